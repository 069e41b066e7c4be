/** The port through which long work tells how far it is. The library is silent unless one is given. */
export interface Progress {
  /** Begins a stage of `total` units of work. */
  start(stage: string, total: number): void;
  /** `done` units are finished; `note` is a short text such as the loss so far. */
  update(done: number, note?: string): void;
  /** Ends the stage. */
  stop(): void;
}

export const silent: Progress = {
  start: () => {},
  update: () => {},
  stop: () => {},
};

/** The same port, each stage named as part of something larger. */
export function within(progress: Progress, whole: string): Progress {
  return { ...progress, start: (stage, total) => progress.start(`${whole} · ${stage}`, total) };
}
