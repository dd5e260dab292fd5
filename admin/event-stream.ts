/**
 * Events, or what else happens one after the other, as Server-Sent Events (WHATWG HTML, 9.2). The reader pulls from the feed at its own pace, so a slow one costs
 * no memory; one that was overtaken gets `event: gap`. Ends when the client goes or the listener closes.
 */
import type { Clock } from '#core/clock';
import type { EventFeed } from './ports.ts';
import { KEEP_ALIVE_MS, type PieceReader, sentEvents } from './stream-answer.ts';

const SLICE = 100;

export interface EventStreamOptions<T extends { readonly id: string }> {
  readonly events: Pick<EventFeed<T>, 'end' | 'resume' | 'read' | 'arrived'>;
  readonly clock: Clock;
  /** The id of the event that the client has seen last; null: only what happens from now on. */
  readonly lastEventId: string | null;
  readonly passes: (event: T) => boolean;
  /** Whether who listens may know that it happened, also when it does not pass. */
  readonly isSeen: (event: T) => boolean;
  readonly json: (event: T) => unknown;
  /** One aborts when the listener closes, another when who listens may do so no more. */
  readonly endings: readonly AbortSignal[];
}

export function eventStream<T extends { readonly id: string }>(
  options: EventStreamOptions<T>,
): ReadableStream<Uint8Array> {
  return sentEvents(new FeedReader(options));
}

class FeedReader<T extends { readonly id: string }> implements PieceReader {
  readonly #options: EventStreamOptions<T>;
  readonly #ended = new AbortController();
  #position: number;
  #gap: boolean;

  constructor(options: EventStreamOptions<T>) {
    this.#options = options;
    const { events, lastEventId, endings } = options;
    const start = lastEventId === null ? { position: events.end, gap: false } : events.resume(lastEventId);
    this.#position = start.position;
    this.#gap = start.gap;
    for (const ending of endings) ending.addEventListener('abort', this.close, { once: true });
    if (endings.some(({ aborted }) => aborted)) this.close();
  }

  readonly close = (): void => {
    for (const ending of this.#options.endings) ending.removeEventListener('abort', this.close);
    this.#ended.abort();
  };

  /** The next piece of the stream; null: it has ended. */
  async next(): Promise<string | null> {
    while (!this.#ended.signal.aborted) {
      const { events, passes, isSeen, json } = this.#options;
      const slice = events.read(this.#position, SLICE);
      this.#position = slice.next;
      let text = this.#gap || slice.gap ? gapText(slice.events.find(isSeen)) : '';
      this.#gap = false;
      for (const event of slice.events) if (passes(event)) text += eventText(event.id, json(event));
      if (text !== '') return text;
      if (slice.events.length > 0) continue;
      if ((await this.#arrival()) === 'quiet') return this.#keepAlive();
    }
    return null;
  }

  async #arrival(): Promise<'event' | 'quiet'> {
    const { events, clock } = this.#options;
    const wait = new AbortController();
    const stop = (): void => wait.abort();
    let quiet = false;
    const timer = clock.after(KEEP_ALIVE_MS, () => {
      quiet = true;
      stop();
    });
    this.#ended.signal.addEventListener('abort', stop, { once: true });
    await events.arrived(this.#position, wait.signal);
    timer.cancel();
    this.#ended.signal.removeEventListener('abort', stop);
    return quiet ? 'quiet' : 'event';
  }

  /** Moves the client's Last-Event-ID past what it filters out, so that a reconnect finds its place again. */
  #keepAlive(): string {
    const { events, isSeen } = this.#options;
    const newest = this.#position === 0 ? undefined : events.read(this.#position - 1, 1).events[0];
    return newest === undefined || !isSeen(newest) ? ': quiet\n\n' : `: quiet\nid: ${newest.id}\n\n`;
  }
}

/** Without a name of its own, so that `onmessage` hears of every event. */
function eventText(id: string, json: unknown): string {
  return `id: ${id}\ndata: ${JSON.stringify(json)}\n\n`;
}

function gapText(next: { readonly id: string } | undefined): string {
  return `event: gap\ndata: ${JSON.stringify({ next: next?.id ?? null })}\n\n`;
}
