import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { loadCheckpoint } from '../../../models/checkpoint/checkpoint.ts';
import type { TrainedModel } from '../../../models/model.ts';
import { fail } from '../../core/errors.ts';
import { fileError } from '../../core/files.ts';
import { runFiles } from '../../training/run-folder.ts';

/** The best model of a run's folder, or the one in a `.safetensors` file. @throws FILE_NOT_FOUND, FILE_ACCESS, CHECKPOINT_INVALID, OPTION_INVALID */
export async function openTrainedModel(path: string): Promise<TrainedModel> {
  const { model } = await loadCheckpoint(await checkpointOf(path));
  return model;
}

async function checkpointOf(path: string): Promise<string> {
  const entry = await stat(path).catch((error) => {
    throw fileError(error, path, 'read');
  });
  if (entry.isDirectory()) return runFiles(path).best;
  if (extname(path) === '.safetensors') return path;
  return fail(
    'OPTION_INVALID',
    `${path} is neither a run nor a checkpoint`,
    'Name the folder of a run or a .safetensors file.',
  );
}
