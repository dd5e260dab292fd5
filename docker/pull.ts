/**
 * One pull that any number of callers wait for. It begins at once, tells each of them how far it is, and ends with the
 * last of them: a deployment that is canceled leaves nothing downloading behind.
 */
import { isTidegateError, TidegateError } from '#core/errors';
import type { EngineClient } from './engine-client.ts';
import { linesOf } from './event-lines.ts';
import type { PullProgress, RegistryAuth } from './host-engine.ts';
import type { ImageReference } from './image-reference.ts';
import { PullTally } from './pull-progress.ts';
import { registryError } from './registry-error.ts';
import { requestStream } from './request.ts';

/** Large images over slow lines: what hangs is ended by those who wait. */
const PULL_MS = 30 * 60_000;

type Listener = (progress: PullProgress) => void;

interface PullOptions {
  readonly reference: ImageReference;
  readonly auth: RegistryAuth | null;
  readonly onEnd: () => void;
}

export class Pull {
  readonly #reference: ImageReference;
  readonly #auth: RegistryAuth | null;
  readonly #tally = new PullTally();
  readonly #listeners = new Set<Listener>();
  readonly #unwanted = new AbortController();
  readonly #done: Promise<void>;
  #waiting = 0;
  /** The last news, so that none is told twice. */
  #told = '';

  /** @param onEnd called once it has ended, or is not to be joined any more */
  constructor(client: EngineClient, { reference, auth, onEnd }: PullOptions) {
    this.#reference = reference;
    this.#auth = auth;
    this.#unwanted.signal.addEventListener('abort', onEnd, { once: true });
    this.#done = this.#run(client).finally(onEnd);
    this.#done.catch(() => {}); // whoever waits is told
  }

  /**
   * Resolves when the image is there. The signal ends the wait with its reason.
   * @throws TidegateError of the `image.` family
   */
  async wait(onProgress: Listener | undefined, signal: AbortSignal | undefined): Promise<void> {
    // Own functions: one that is handed in twice still counts twice.
    const listener: Listener = (progress) => onProgress?.(progress);
    this.#listeners.add(listener);
    this.#waiting++;
    let onAbort: (() => void) | undefined;
    try {
      const aborted = new Promise<never>((_, reject) => {
        onAbort = () => reject(signal?.reason);
        signal?.addEventListener('abort', onAbort, { once: true });
      });
      await Promise.race([this.#done, aborted]);
    } finally {
      if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
      this.#listeners.delete(listener);
      this.#waiting--;
      if (this.#waiting === 0) this.#unwanted.abort(new TidegateError('image.pull_failed', 'nobody waits for it'));
    }
  }

  async #run(client: EngineClient): Promise<void> {
    const { repository, version, text } = this.#reference;
    const auth = this.#auth;
    const query = { fromImage: repository, tag: version ?? '' };
    const call = { name: `pull ${text}`, deadlineMs: PULL_MS, slow: true, signal: this.#unwanted.signal };
    let failure: string | null = null;
    try {
      await client.call(call, async (docker, signal) => {
        const stream = await requestStream(docker, { method: 'POST', path: '/images/create', query, auth }, signal);
        for await (const line of linesOf(stream)) {
          failure = this.#tally.take(line) ?? failure;
          this.#tell();
        }
      });
    } catch (error) {
      if (!isTidegateError(error, 'engine.refused')) throw error;
      failure = String(error.detail.said);
    }
    if (failure !== null) throw registryError(`pull ${text}`, { reference: this.#reference, said: failure, auth });
  }

  #tell(): void {
    const { progress } = this.#tally;
    const text = JSON.stringify(progress);
    if (text === this.#told) return;
    this.#told = text;
    for (const listener of this.#listeners) {
      try {
        listener(progress);
      } catch {} // who cannot take news must not stop the pull for others
    }
  }
}
