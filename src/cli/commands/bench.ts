import type { Command } from 'commander';
import { defineGroup } from '../command.ts';
import { benchCurves } from './bench-curves.ts';
import { benchEpoch } from './bench-epoch.ts';
import { benchTraining } from './bench-training.ts';

/** `recurrent bench`: how long things take here. */
export function bench(): Command {
  return defineGroup('bench', 'measure how fast this machine trains', benchTraining(), benchCurves(), benchEpoch());
}
