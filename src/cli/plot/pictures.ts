/** Charts as files: SVG, and PNG where the packages that draw it are installed. */
import { join } from 'node:path';
import { RecurrentError } from '../../core/errors.ts';
import { writeFileAtomically } from '../../core/files.ts';
import { loadPngRenderer, type PngRenderer, undrawableLetters } from '../../report/png.ts';
import type { Terminal } from '../terminal/terminal.ts';

export const pictureFormats = ['svg', 'png'] as const;
export type PictureFormat = (typeof pictureFormats)[number];

/** Drawings by the names of their files. */
export type Charts = Readonly<Record<string, string>>;

interface Pictures {
  /** @returns the files that were written */
  write(folder: string, charts: Charts): Promise<string[]>;
}

/** PNG that was not asked for by name is left out, with a word on how to have it, where its packages are missing. */
export async function openPictures(terminal: Terminal, asked: readonly PictureFormat[] | undefined): Promise<Pictures> {
  const wanted = asked ?? pictureFormats;
  const render = wanted.includes('png') ? await openRenderer(terminal, asked !== undefined) : undefined;
  return {
    async write(folder, charts) {
      const files: string[] = [];
      const write = async (name: string, contents: string | Uint8Array) => {
        const file = join(folder, name);
        await writeFileAtomically(file, contents);
        files.push(file);
      };
      for (const [name, svg] of Object.entries(charts)) {
        if (wanted.includes('svg')) await write(`${name}.svg`, svg);
        if (!render) continue;
        const missing = undrawableLetters(svg);
        if (missing)
          terminal.warn(`${name}.png shows boxes for ${missing}, which its font has not got; ${name}.svg has them.`);
        await write(`${name}.png`, render(svg));
      }
      return files;
    },
  };
}

async function openRenderer(terminal: Terminal, needed: boolean): Promise<PngRenderer | undefined> {
  try {
    return await loadPngRenderer();
  } catch (error) {
    if (needed || !(error instanceof RecurrentError) || error.code !== 'PACKAGE_MISSING') throw error;
    terminal.warn(`No PNG files: ${error.message}. ${error.hint}`);
    return undefined;
  }
}
