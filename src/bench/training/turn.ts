/** One turn of a contender that runs in this process: see `OpenContender.time`. */
export async function takeTurn(milliseconds: number, step: (number: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  const began = performance.now();
  for (let number = 0; ; number++) {
    const before = performance.now();
    await step(number);
    const after = performance.now();
    if (number > 0 || after - before > milliseconds / 2) times.push(after - before);
    if (times.length > 0 && after - began >= milliseconds) return times;
  }
}
