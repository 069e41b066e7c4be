import { existsSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fail, RecurrentError } from '../../core/errors.ts';
import { readFileWhole } from '../../core/files.ts';
import { runFiles } from '../../training/run-folder.ts';
import { commandLine } from '../invocation.ts';

/** An ONNX file. Where there is a run but no file yet, the hint is the command that writes it. @throws FILE_NOT_FOUND, FILE_ACCESS, OPTION_INVALID */
export async function readOnnx(path: string): Promise<Uint8Array> {
  if (extname(path) === '.safetensors') {
    const hint = `Export it first: ${commandLine('export', path, '--out', `${path.slice(0, -12)}.onnx`)}`;
    fail('OPTION_INVALID', `${path} is a checkpoint, not an ONNX file`, hint);
  }
  try {
    return await readFileWhole(path);
  } catch (error) {
    const run = [path, dirname(path)].find((folder) => existsSync(runFiles(folder).best));
    if (run === undefined || !(error instanceof RecurrentError) || error.code !== 'FILE_NOT_FOUND') throw error;
    const file = run === path ? join(run, 'model.onnx') : path;
    const hint = existsSync(file)
      ? `Name ${file}.`
      : `Export the run first: ${commandLine('export', run, '--out', file)}`;
    return fail(error.code, error.message, hint, error);
  }
}
