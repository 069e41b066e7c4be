import { Command } from 'commander';
import { refuse } from '../command.ts';
import { benchCurves } from './bench-curves.ts';
import { benchEpoch } from './bench-epoch.ts';
import { benchTraining } from './bench-training.ts';

/** `recurrent bench`: how long things take here. */
export function bench(): Command {
  const command = new Command('bench')
    .description('measure how fast this machine trains')
    .configureOutput({ outputError: () => {} });
  command.exitOverride((error) => refuse(command, error));
  for (const part of [benchTraining(), benchCurves(), benchEpoch()]) command.addCommand(part);
  return command;
}
