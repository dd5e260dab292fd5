/** Waiting for a fact in tests: never for a fixed time, never for ever. */
import { setTimeout as sleep } from 'node:timers/promises';

const TIMEOUT_MS = 20_000;
const EVERY_MS = 10;

type Falsy = false | 0 | '' | null | undefined;

export interface UntilOptions {
  readonly timeoutMs?: number;
  readonly everyMs?: number;
  /** What is waited for, for the message of the error. */
  readonly what?: string;
}

/**
 * Asks again and again until the fact holds.
 * @param fact answers something truthy once it holds; an error counts as "not yet"
 * @returns what the fact answered
 * @throws Error once `timeoutMs` (20 s) have passed, with the last answer or error
 */
export async function until<T>(
  fact: () => T | Promise<T>,
  { timeoutMs = TIMEOUT_MS, everyMs = EVERY_MS, what = 'the expected fact' }: UntilOptions = {},
): Promise<Exclude<T, Falsy>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let seen: unknown;
    try {
      const answer = await fact();
      if (answer) return answer as Exclude<T, Falsy>;
      seen = answer;
    } catch (error) {
      seen = error;
    }
    if (performance.now() >= deadline) {
      throw new Error(`${what}: not within ${timeoutMs} ms (last seen: ${String(seen)})`, { cause: seen });
    }
    await sleep(everyMs);
  }
}
