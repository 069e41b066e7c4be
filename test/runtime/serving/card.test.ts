/** What the card of a model takes from the files beside it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { mailModel, parityOf, serve, withSeed } from '../../support/serving.ts';

it('shows a report of parity of this very file, and none of the one that stood there before', async () => {
  const server = await serve({ 'mail/1/model.onnx': mailModel, 'newer/1/model.onnx': withSeed(mailModel, 2) });
  for (const name of ['mail', 'newer'])
    await writeFile(join(server.folder, name, '1/parity.json'), parityOf(mailModel));
  const parityShown = async (name: string) => (await server.ask('GET', `/v1/models/${name}`)).json.parity;
  expect(await parityShown('mail')).toEqual(JSON.parse(parityOf(mailModel)));
  expect(await parityShown('newer')).toBeNull();
  await server.close();
});
