/**
 * The event log: the last events in memory, in order, for whoever reads or follows them; written behind to the store.
 * Recording never fails and never waits. A reader that was overtaken is told so instead of missing events in silence.
 */
import type { Clock, Timer } from '#core/clock';
import type { Event, EventDraft, EventSink } from '#core/event';
import type { Log } from '#core/log';
import { type FeedSlice, RecentFeed } from '#core/recent-feed';
import { EventIds } from './event-ids.ts';
import { EVENTS_KEPT, type Store } from './store.ts';

/** Events are saved together, at most this long after they happened. */
const SAVE_AFTER_MS = 200;
/** After a failed save, so that a broken disk is not hammered. */
const SAVE_AGAIN_MS = 5000;

export interface EventLogOptions {
  readonly store: Pick<Store, 'appendEvents' | 'lastEvents'>;
  readonly clock: Clock;
  /** Fills `size` bytes. */
  readonly random: (size: number) => Uint8Array;
  readonly log: Log;
  /** Events held in memory; the default is what the store keeps. */
  readonly capacity?: number;
}

/** Events stand at positions 0, 1, 2 … in the order they happened; a position never gets another event. */
export class EventLog {
  readonly #options: EventLogOptions;
  readonly #capacity: number;
  readonly #ids: EventIds;
  readonly #feed: RecentFeed<Event>;
  #saved = 0;
  #saveTimer: Timer | null = null;
  #saving: Promise<void> | null = null;
  #failing = false;
  #closed = false;

  /** Takes what happened; can be handed on as it is. */
  readonly record: EventSink = (draft) => this.#add(draft);

  private constructor(options: EventLogOptions, kept: readonly Event[]) {
    this.#options = options;
    this.#capacity = options.capacity ?? EVENTS_KEPT;
    this.#ids = new EventIds(options, kept.at(-1)?.id ?? null);
    this.#feed = new RecentFeed(this.#capacity);
    for (const event of kept) this.#feed.add(event);
    this.#saved = this.end;
  }

  /** A log that goes on where the store's ended. */
  static async open(options: EventLogOptions): Promise<EventLog> {
    return new EventLog(options, await options.store.lastEvents(options.capacity ?? EVENTS_KEPT));
  }

  /** The position after the newest event. */
  get end(): number {
    return this.#feed.end;
  }

  /** Where a reader goes on that has seen the event `id` last. `gap`: what came after it may be gone in part. */
  resume(id: string): { readonly position: number; readonly gap: boolean } {
    const position = this.#firstNotBefore(id);
    if (this.#feed.at(position)?.id === id) return { position: position + 1, gap: false };
    return { position, gap: true };
  }

  /** Up to `limit` events from a position on. */
  read(position: number, limit: number): FeedSlice<Event> {
    return this.#feed.read(position, limit);
  }

  /** Up to `limit` events that happened before the event `id` (null: all) and pass, newest first. */
  older(id: string | null, limit: number, passes: (event: Event) => boolean): readonly Event[] {
    const events: Event[] = [];
    for (let p = (id === null ? this.end : this.#firstNotBefore(id)) - 1; p >= this.#feed.start; p--) {
      const event = this.#feed.at(p);
      if (event === null || !passes(event)) continue;
      events.push(event);
      if (events.length === limit) break;
    }
    return events;
  }

  /** Resolves as soon as there is an event at the position, or when the signal aborts. */
  arrived(position: number, signal: AbortSignal): Promise<void> {
    return this.#feed.arrived(position, signal);
  }

  /** Saves what is not saved yet. Never rejects: a failure is logged, and tried again later. */
  async flush(): Promise<void> {
    this.#saveTimer?.cancel();
    this.#saveTimer = null;
    await this.#saving;
    if (this.#saved === this.end) return;
    this.#saving ??= this.#save().finally(() => {
      this.#saving = null;
    });
    await this.#saving;
  }

  /** Saves the rest. What is recorded later is not saved any more. Close the log before its store. */
  async close(): Promise<void> {
    await this.flush();
    this.#closed = true;
    this.#saveTimer?.cancel();
    this.#saveTimer = null;
    this.#feed.close();
  }

  /** The first position whose event has this id or a later one. */
  #firstNotBefore(id: string): number {
    let low = this.#feed.start;
    let high = this.end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#feed.at(middle)?.id ?? '') < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #add(draft: EventDraft): void {
    const id = this.#ids.next();
    this.#feed.add({
      id,
      at: new Date(this.#options.clock.wall()).toISOString(),
      type: draft.type,
      tenant: draft.tenant ?? null,
      app: draft.app ?? null,
      set: draft.set ?? null,
      replica: draft.replica ?? null,
      host: draft.host ?? null,
      cause: draft.cause,
      data: plain(draft.data),
      correlationId: draft.correlationId ?? null,
    });
    this.#saveLater();
  }

  #saveLater(): void {
    if (this.#closed) return;
    this.#saveTimer ??= this.#options.clock.after(this.#failing ? SAVE_AGAIN_MS : SAVE_AFTER_MS, () => {
      this.#saveTimer = null;
      void this.flush();
    });
  }

  async #save(): Promise<void> {
    const { events, next } = this.read(this.#saved, this.#capacity);
    try {
      await this.#options.store.appendEvents(events);
      this.#saved = next;
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#options.log.warn('events cannot be saved; trying again', { error });
      this.#failing = true;
    }
    if (this.#saved < this.end) this.#saveLater();
  }
}

/** A copy that JSON can hold, so that neither the caller's later changes nor odd values reach a reader. */
function plain(data: Readonly<Record<string, unknown>> | undefined): Readonly<Record<string, unknown>> {
  if (data === undefined) return {};
  try {
    return JSON.parse(JSON.stringify(data)) as Record<string, unknown>;
  } catch {
    return { unwritable: Object.keys(data) };
  }
}
