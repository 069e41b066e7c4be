import { createInterface } from 'node:readline/promises';
import { type Command, Option } from 'commander';
import { fail } from '../../core/errors.ts';
import { formatBytes } from '../../core/format-bytes.ts';
import { recordedPaths, runSetup, undoSetup } from '../../doctor/gpu/setup.ts';
import { planSetup, type SetupPlan, type SetupSource, setupSources } from '../../doctor/gpu/setup-plan.ts';
import { defineCommand, defineGroup, withExamples, withOptions } from '../command.ts';
import { interruptible } from '../interrupt.ts';
import { commandLine } from '../invocation.ts';
import type { Terminal, TerminalOptions } from '../terminal/terminal.ts';

const yes = new Option('--yes', 'do it without asking').conflicts('dryRun');
const dryRun = new Option('--dry-run', 'print what would be done, and do nothing');
const undo = new Option('--undo', 'remove what an earlier setup put here').conflicts('from');
const from = new Option('--from <source>', 'source of the CUDA library: nuget (CUDA 12) or pypi (CUDA 13)').choices([
  ...setupSources,
]);

interface Options extends TerminalOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly undo?: boolean;
  readonly from?: SetupSource;
}

/** `recurrent setup`: installs what npm does not bring. */
export function setup(): Command {
  return defineGroup('setup', 'install what npm does not bring: setup gpu', setupGpu());
}

function setupGpu(): Command {
  const command = defineCommand(
    'gpu',
    'install what inference on an NVIDIA GPU needs',
    async (terminal, options: Options) => {
      if (options.undo) return takeBack(terminal, options);
      const plan = planSetup(options.from ?? 'nuget');
      const steps = plan.steps.filter(({ isThere }) => !isThere);
      terminal.say(`${describePlan(plan)}\n`);
      const isDone = !options.dryRun && steps.length > 0;
      if (isDone) {
        await confirm(options, 'Go on?');
        const say = (line: string) => terminal.say(`  ${line}`);
        await interruptible((signal) => runSetup(plan, { say, signal }));
      }
      const then = whatRemains(plan);
      terminal.answer({ ...plan, done: isDone, then }, [said(options, steps.length), ...then].join('\n'));
    },
  );
  return withExamples(
    withOptions(command, from, dryRun, yes, undo),
    'recurrent setup gpu --dry-run',
    'recurrent setup gpu --yes && recurrent doctor --require cuda',
    'recurrent setup gpu --undo',
  );
}

function said({ dryRun: isDry }: Options, steps: number): string {
  if (steps === 0) return 'Everything is there; nothing was done.';
  return isDry ? 'Nothing was done. Afterwards:' : 'Done. What is left to you:';
}

async function takeBack(terminal: Terminal, options: Options): Promise<void> {
  const paths = recordedPaths();
  if (paths.length === 0) return terminal.answer({ removed: [] }, 'There is nothing that setup put here.');
  terminal.say(`Removes:\n${paths.map((path) => `  ${path}`).join('\n')}\n`);
  if (options.dryRun) return terminal.answer({ removed: [] }, 'Nothing was removed.');
  await confirm(options, 'Remove them?');
  const removed = undoSetup();
  terminal.answer({ removed }, `Removed ${removed.length} of ${paths.length}.`);
}

/** @throws OPTION_INVALID where nobody can be asked; INTERRUPTED on any other answer than yes */
async function confirm({ yes: isSure, json }: Options, question: string): Promise<void> {
  if (isSure) return;
  if (json || !process.stdin.isTTY || !process.stdout.isTTY) {
    fail('OPTION_INVALID', 'nobody can be asked here whether to go on', 'Add --yes, or look first with --dry-run.');
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    // Ctrl-C ends the question by an error, Ctrl-D leaves it open: both mean no.
    const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
    const answer = await Promise.race([terminal.question(`${question} [y/N] `).catch(() => ''), closed]);
    if (!/^y(es)?$/i.test(answer.trim())) fail('INTERRUPTED', 'you said no', 'Nothing was done.');
  } finally {
    terminal.close();
  }
}

function describePlan({ steps }: SetupPlan): string {
  return steps
    .map(({ what, command, folder, bytes, isThere }) =>
      isThere ? `${what}: is there` : `${what}: about ${formatBytes(bytes)} into ${folder}\n  $ ${command}`,
    )
    .join('\n');
}

/** What no program of this kind can do, or may. */
function whatRemains({ requirement, libraryPath }: SetupPlan): string[] {
  const { driver, cuda } = requirement;
  const path = `export LD_LIBRARY_PATH=${libraryPath}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}`;
  return [
    ...(libraryPath
      ? [`- so that programs find CUDA ${cuda}, in your shell's profile or the service's environment:\n  ${path}`]
      : []),
    `- NVIDIA's driver, ${driver} or later, which only root can install: https://www.nvidia.com/drivers`,
    '- training on a GPU, which has other versions: docs/gpu.md',
    `- see whether it works: ${commandLine('doctor', '--require', 'cuda')}`,
  ];
}
