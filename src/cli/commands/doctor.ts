import { spawn } from 'node:child_process';
import { Option } from 'commander';
import { fail } from '../../core/errors.ts';
import { type Diagnosis, diagnose, namesIn, type Subject, subjects } from '../../doctor/diagnose.ts';
import { type Finding, finding, type GroupedFinding } from '../../doctor/finding.ts';
import { type PartName, tryPart } from '../../doctor/parts.ts';
import { defineCommand, withExamples, withOptions } from '../command.ts';
import { describeDiagnosis } from '../describe/doctor.ts';
import { namesParser } from '../options/names.ts';
import type { TerminalOptions } from '../terminal/terminal.ts';

const only = new Option('--only <names>', `look only at these, in this process: ${subjects.join(', ')}`).argParser(
  namesParser('--only', subjects),
);
const require = new Option(
  '--require <names>',
  'parts that must work, with commas between, for the exit status',
).argParser((text: string) => text.split(','));

interface Options extends TerminalOptions {
  readonly only?: readonly Subject[];
  readonly require?: readonly string[];
}

/** A part that takes longer hangs: the slowest, TensorFlow.js in plain JavaScript, takes two seconds. */
const longest = 60_000; // ms

/** `recurrent doctor`: what works on this machine, what does not, and the command that puts it right. */
export function doctor() {
  const command = defineCommand(
    'doctor',
    'what works here, what does not, and what puts it right',
    async (terminal, options: Options) => {
      const diagnosis = await diagnose({
        only: options.only,
        tryPart: options.only ? tryPart : tryApart,
        progress: terminal.progress,
      });
      const lacking = lackingOf(diagnosis, options.require ?? []);
      terminal.answer({ ...diagnosis, lacking }, describeDiagnosis(terminal, diagnosis));
      if (lacking.length > 0) {
        fail(
          'PART_BROKEN',
          `does not work here: ${lacking.join(', ')}`,
          'The report says why, and what puts it right.',
        );
      }
    },
  );
  return withExamples(
    withOptions(command, only, require),
    'recurrent doctor',
    'recurrent doctor --require wasm,cuda --json',
    'recurrent doctor --only tensorflow',
  );
}

/** What is broken, and what is required and absent. */
function lackingOf(diagnosis: Diagnosis, required: readonly string[]): string[] {
  const known = diagnosis.findings.map(({ name }) => name);
  const unknown = required.find((name) => !known.includes(name));
  if (unknown !== undefined)
    fail('OPTION_INVALID', `--require: there is no part "${unknown}"`, `Choose among ${known.join(', ')}.`);
  const absent = namesIn(diagnosis, 'absent').filter((name) => required.includes(name));
  return [...namesIn(diagnosis, 'broken'), ...absent];
}

/** This program again with `--only`, so that a native library which crashes or hangs is a finding and no more. */
function tryApart(name: PartName): Promise<Finding> {
  const args = [...process.execArgv, process.argv[1] ?? '', 'doctor', '--only', name, '--json', '--quiet'];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: longest,
    killSignal: 'SIGKILL',
  });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (chunk: Buffer) => {
      said[stream] += chunk;
    });
  }
  return new Promise((resolve) => {
    child.on('error', ({ message }) => resolve(finding(name, 'broken', `cannot be tried: ${message}`)));
    child.on('close', (status, signal) =>
      resolve(withCause(read(said.stdout) ?? ended(name, status, signal, said.stderr), said.stderr)),
    );
  });
}

function read(stdout: string): Finding | undefined {
  try {
    const { findings } = JSON.parse(stdout) as Diagnosis;
    const [{ group: _, ...found }] = findings as [GroupedFinding];
    return found;
  } catch {
    return undefined;
  }
}

/** onnxruntime says on standard error alone why a library does not load. */
function withCause(found: Finding, stderr: string): Finding {
  const cause = /Failed to load library .* with error: (.*)/.exec(stderr)?.[1];
  return found.state === 'broken' && cause ? { ...found, detail: `${found.detail}: ${cause}` } : found;
}

function ended(name: PartName, status: number | null, signal: string | null, stderr: string): Finding {
  const how =
    signal === 'SIGKILL' ? `was stopped after ${longest / 1000} s` : `ended with ${signal ?? `status ${status}`}`;
  const last = stderr.trim().split('\n').at(-1) ?? '';
  return finding(name, 'broken', [`the process that tried it ${how}`, last].filter(Boolean).join(': '));
}
