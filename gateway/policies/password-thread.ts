/**
 * Asks the thread that checks passwords. It is started by the first question and goes with the gateway; how many questions
 * may wait is bounded, so that guessing passwords costs the guesser his time and nobody else theirs.
 */
import { Worker } from 'node:worker_threads';
import type { PasswordQuestion, PasswordVerdict } from './password-worker.ts';

/** Some seconds of work. */
const WAITING_MAX = 32;

/** Null: it could not be found out. */
export type Verdict = boolean | null;

export class PasswordThread {
  readonly #waiting = new Map<number, (verdict: Verdict) => void>();
  #thread: Worker | null = null;
  #lastId = 0;
  #closed = false;

  /** Whether no further question is taken now. */
  get isFull(): boolean {
    return this.#closed || this.#waiting.size >= WAITING_MAX;
  }

  /** Whether the password is the one the hash was made of. Never rejects. */
  ask(hash: string, password: string): Promise<Verdict> {
    if (this.isFull) return Promise.resolve(null);
    this.#thread ??= this.#start();
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    this.#waiting.set(id, resolve);
    this.#thread.postMessage({ id, hash, password } satisfies PasswordQuestion);
    return promise;
  }

  close(): void {
    this.#closed = true;
    void this.#thread?.terminate();
    this.#giveUp();
  }

  #start(): Worker {
    const thread = new Worker(new URL('./password-worker.ts', import.meta.url));
    // A gateway that has nothing else to do may end.
    thread.unref();
    thread.on('message', ({ id, matches }: PasswordVerdict) => {
      const resolve = this.#waiting.get(id);
      this.#waiting.delete(id);
      resolve?.(matches);
    });
    thread.on('error', () => {});
    // Out of memory, say: the next question starts another.
    thread.on('exit', () => {
      if (this.#thread !== thread) return;
      this.#thread = null;
      this.#giveUp();
    });
    return thread;
  }

  #giveUp(): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const resolve of waiting) resolve(null);
  }
}
