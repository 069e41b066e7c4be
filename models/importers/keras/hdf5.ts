/**
 * HDF5 files, in which Keras keeps weights. jsfive reads them in plain JavaScript; what a damaged file makes it throw
 * becomes one of the catalogue here, and no dataset is read that says to be larger than the file.
 */
import type { Group } from 'jsfive';
import { RecurrentError } from '../../../src/core/errors.ts';
import { sizeOf, type Tensor } from '../../weights.ts';
import { refuseFile } from '../json.ts';

export interface Hdf5 {
  /** @returns undefined where there is none */
  attribute(group: string, name: string): unknown;
  /** Paths of all datasets under `group`, relative to it. */
  datasets(group: string): readonly string[];
  tensor(path: string): Tensor;
}

const widths: Readonly<Record<string, number>> = { '<f4': 4, '<f8': 8 };

/** Groups within groups of a model are few. */
const depthLimit = 16;

/** @param path named in errors @throws IMPORT_INVALID, as do its methods */
export async function openHdf5(bytes: Uint8Array, path: string): Promise<Hdf5> {
  const { Dataset, File } = await import('jsfive');
  const guarded = <T>(what: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (error instanceof RecurrentError) throw error;
      const message = error instanceof Error ? error.message : String(error);
      return refuseFile(path, `is no sound HDF5 file: ${what}: ${message}`, error);
    }
  };
  const root: Group = guarded('its head', () => new File(bytes.slice().buffer, path));
  const at = (place: string): Group => (place === '' ? root : (root.get(place) as Group));

  function walk(group: Group, prefix: string, depth: number, found: string[]): void {
    if (depth > depthLimit) refuseFile(path, 'has groups within groups without an end');
    for (const key of group.keys) {
      const inner = group.get(key);
      if (!(inner instanceof Dataset)) walk(inner, `${prefix}${key}/`, depth + 1, found);
      else found.push(`${prefix}${key}`);
    }
  }

  return {
    attribute: (group, name) => guarded(`${group}, ${name}`, () => at(group).attrs[name]),
    datasets: (group) =>
      guarded(group, () => {
        const found: string[] = [];
        walk(at(group), '', 0, found);
        return found;
      }),
    tensor: (place) =>
      guarded(place, () => {
        const dataset = root.get(place);
        if (!(dataset instanceof Dataset)) return refuseFile(path, `has a group in the place of the weight ${place}`);
        const { shape, dtype } = dataset;
        const width = typeof dtype === 'string' ? widths[dtype] : undefined;
        if (width === undefined)
          return refuseFile(path, `weight ${place} has type ${String(dtype)}, floats were expected`);
        if (width * sizeOf(shape) > bytes.length) {
          return refuseFile(path, `weight ${place} has shape [${shape}], more than the file holds`);
        }
        const data = Float32Array.from(dataset.value as ArrayLike<number>);
        if (data.length !== sizeOf(shape))
          return refuseFile(path, `weight ${place} does not have the size of its shape`);
        return { shape: [...shape], data };
      }),
  };
}
