/**
 * Whether memory is flat. Of each of 60 intervals the median counts: a garbage collector makes saw teeth, and a system that
 * is short of memory takes pages away for a while. The first quarter is warming up. The growth is the median of the slopes
 * between all pairs of intervals after it (Theil and Sen), which such episodes do not bend; memory is flat if that makes
 * less than 16 MiB in the whole time.
 */
import { median } from './measure.mjs';

const intervals = 60;
const allowed = 16; // MiB

/**
 * @param {readonly { readonly minute: number, readonly mib: number }[]} samples
 * @param {number} minutes of the whole time
 * @returns the level in MiB, the growth in MiB over the whole time, and whether that is flat
 */
export function judgeMemory(samples, minutes) {
  const levels = Array.from({ length: intervals }, (_, i) => ({
    minute: ((i + 0.5) / intervals) * minutes,
    mib: median(samples.filter(({ minute }) => Math.floor((minute / minutes) * intervals) === i).map(({ mib }) => mib)),
  })).filter(({ minute, mib }) => minute > minutes / 4 && !Number.isNaN(mib));
  const slopes = levels.flatMap((a, i) => levels.slice(i + 1).map((b) => (b.mib - a.mib) / (b.minute - a.minute)));
  const growth = median(slopes) * minutes;
  return { level: median(levels.map(({ mib }) => mib)), growth, flat: growth < allowed };
}
