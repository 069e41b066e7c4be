/**
 * Placements that were seen before, in the user's cache folder, under a digest of all that they depend on. A file that
 * is damaged or cannot be written costs one more run and nothing else.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { cacheFolder } from '../../src/core/cache-folder.ts';
import { writeFileAtomically } from '../../src/core/files.ts';
import { ortVersion } from './ort.ts';
import type { NodePlacement } from './placement.ts';
import type { ProviderName } from './providers.ts';
import type { SessionOptions } from './session-options.ts';

const placements = z.array(z.strictObject({ node: z.string(), op: z.string(), provider: z.string() })).min(1);

/**
 * @param providers that really opened the session
 * @param profile makes the placement where it is not known
 */
export async function cachedPlacement(
  model: Uint8Array,
  options: SessionOptions,
  providers: readonly ProviderName[],
  profile: () => Promise<NodePlacement[]>,
): Promise<NodePlacement[]> {
  const { graphOptimisation, deviceId } = options;
  const parts = [await ortVersion(), process.platform, process.arch, providers, graphOptimisation, deviceId];
  const digest = createHash('sha256').update(JSON.stringify(parts)).update(model).digest('hex');
  const path = join(cacheFolder(), 'placement', `${digest}.json`);
  const known = await read(path);
  if (known) return known;
  const found = await profile();
  await writeFileAtomically(path, JSON.stringify(found)).catch(() => {});
  return found;
}

async function read(path: string): Promise<NodePlacement[] | undefined> {
  try {
    return placements.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}
