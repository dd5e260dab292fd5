/**
 * Time as an argument. Everything that waits or measures takes a Clock, so that tests own time and nothing sleeps.
 */

export interface Timer {
  /** Ends the wait; harmless after it fired. */
  cancel(): void;
}

export interface Clock {
  /** Wall-clock time in ms since the epoch: for people and records, never for measuring. */
  wall(): number;
  /** Monotonic time in ms with a fraction: for measuring and deadlines. */
  now(): number;
  /** Calls `run` once after `delayMs`. A pending timer does not keep the process alive. */
  after(delayMs: number, run: () => void): Timer;
}

// The global is looked up, and guarded, with every use of it.
const monotonic = performance.now.bind(performance);

/** The machine's own time. */
export const systemClock: Clock = {
  wall: () => Date.now(),
  now: monotonic,
  after(delayMs, run) {
    const timeout = setTimeout(run, delayMs);
    timeout.unref();
    return { cancel: () => clearTimeout(timeout) };
  },
};

/** Resolves after `delayMs`, or at once (without an error) when the signal aborts. Tells which of the two it was. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<'elapsed' | 'aborted'> {
  if (signal?.aborted) return Promise.resolve('aborted');
  return new Promise((resolve) => {
    const onAbort = (): void => {
      timer.cancel();
      resolve('aborted');
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve('elapsed');
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
