/** The checker of the ONNX project itself looks at what is exported. Skipped where Python or its package is absent. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exportOnnx } from '../../exporters/export.ts';
import { arbitrarySpec } from '../support/arbitrary-spec.ts';
import { trainedModel } from '../support/trained-model.ts';

const script = fileURLToPath(new URL('../../tools/peers/check_onnx.py', import.meta.url));
/** A Python that has the package onnx, e.g. that of a virtual environment. */
const python = process.env.ONNX_PYTHON ?? 'python3';

async function check(files: readonly string[]): Promise<{ version: string; faults: Record<string, string> }> {
  const { stdout } = await promisify(execFile)(python, [script, ...files]);
  return JSON.parse(stdout);
}

test('finds no fault in any spec at any opset, and does find a broken file', async (context) => {
  const version = await check([]).then(
    (answer) => answer.version,
    (error: Error) => {
      const reason = `${python} with the package onnx is not here (ONNX_PYTHON names another): ${error.message.split('\n')[0]}`;
      console.log(`skipped: ${reason}`);
      return context.skip(reason);
    },
  );
  const folder = await mkdtemp(join(tmpdir(), 'onnx-peers-'));
  try {
    const specs = fc.sample(fc.tuple(arbitrarySpec(), fc.integer({ min: 14, max: 22 })), 200);
    const files = await Promise.all(
      specs.map(async ([spec, opset], index) => {
        const path = join(folder, `${index}.onnx`);
        await writeFile(path, exportOnnx(trainedModel(spec), { opset }));
        return path;
      }),
    );
    const broken = join(folder, 'broken.onnx');
    const spec = (specs[0] as (typeof specs)[number])[0];
    await writeFile(
      broken,
      exportOnnx(trainedModel(spec)).map((byte, at) => (at === 1 ? 99 : byte)),
    ); // IR version 99
    expect(Object.keys((await check([...files, broken])).faults)).toEqual([broken]);
    console.log(`onnx ${version} agrees on ${files.length} files`);
  } finally {
    await rm(folder, { recursive: true });
  }
});
