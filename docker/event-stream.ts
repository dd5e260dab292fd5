/**
 * Follows the events of one Engine for as long as it is wanted. A stream that breaks, or whose Engine fell silent, is
 * opened again where it ended; every event reaches the follower once.
 */
import { type Clock, pause } from '#core/clock';
import { TidegateError } from '#core/errors';
import type { Log } from '#core/log';
import type { EngineState, EventFollower } from './engine.ts';
import { engineError } from './engine-error.ts';
import { linesOf, readEvent } from './event-lines.ts';
import { ResumePoint } from './resume-point.ts';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2000;
/** A stream that stood this long was a good one: after it the first retry is quick again. */
const SOUND_AFTER_MS = 2000;

export interface EventStreamOptions {
  /**
   * Opens the stream, live events and those since the given time (seconds since the epoch).
   * It must fail or resolve in time, and end with the signal.
   */
  readonly open: (since: number | null, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array | string>>;
  readonly onState: (listener: (state: EngineState, cause: string) => void) => () => void;
  readonly clock: Clock;
  readonly log: Log;
}

export class EventStream {
  readonly #options: EventStreamOptions;
  readonly #follower: EventFollower;
  readonly #signal: AbortSignal;
  readonly #resume = new ResumePoint();
  /** Ends the stream that stands. */
  #cut = new AbortController();
  /** Ends the wait for the next try. */
  #hurry = new AbortController();

  constructor(options: EventStreamOptions, follower: EventFollower, signal: AbortSignal) {
    this.#options = options;
    this.#follower = follower;
    this.#signal = signal;
  }

  /** Resolves when the signal has aborted. */
  async run(): Promise<void> {
    // A silent Engine breaks no stream, and one behind a cut wire never will.
    const forget = this.#options.onState((state, cause) => {
      if (state === 'reachable') this.#hurry.abort();
      else this.#cut.abort(new TidegateError('engine.unreachable', `events: ${cause}`));
    });
    const { clock } = this.#options;
    let retryMs = FIRST_RETRY_MS;
    let isLost = false;
    while (!this.#signal.aborted) {
      let openedAt: number | null = null;
      try {
        this.#cut = new AbortController();
        this.#hurry = new AbortController();
        const stream = await this.#open();
        openedAt = clock.now();
        isLost = false;
        this.#tell(() => this.#follower.onConnected());
        await this.#read(stream);
        throw new TidegateError('engine.unreachable', 'events: the Engine ended the stream');
      } catch (error) {
        if (this.#signal.aborted) break;
        const reason = engineError(this.#cut.signal.aborted ? this.#cut.signal.reason : error, 'events', false);
        if (!isLost) this.#tell(() => this.#follower.onLost(reason));
        isLost = true;
      }
      if (openedAt !== null && clock.now() - openedAt >= SOUND_AFTER_MS) retryMs = FIRST_RETRY_MS;
      await pause(clock, retryMs, AbortSignal.any([this.#signal, this.#hurry.signal]));
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    }
    forget();
  }

  #open(): Promise<AsyncIterable<Uint8Array | string>> {
    return this.#options.open(this.#resume.since, AbortSignal.any([this.#signal, this.#cut.signal]));
  }

  async #read(stream: AsyncIterable<Uint8Array | string>): Promise<void> {
    for await (const line of linesOf(stream)) {
      if (this.#signal.aborted || this.#cut.signal.aborted) return;
      const read = readEvent(line);
      if (read === 'garbage')
        this.#options.log.warn('a line of the event stream cannot be read', { line: cutShort(line) });
      else if (read !== null && this.#resume.isNew(read.key, read.event.at)) {
        this.#tell(() => this.#follower.onEvent(read.event));
      }
    }
  }

  /** A follower that throws must not cost the events that come after. */
  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#options.log.error('a follower of the event stream failed', { error });
    }
  }
}

function cutShort(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
