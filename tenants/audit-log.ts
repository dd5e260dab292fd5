/**
 * The audit log. What is to be done is kept before it is done: so whatever has changed is in the log, with what came of it
 * or, after a crash in between, with the fact that nobody knows. Records stand in segments, so that a page costs as much as
 * a page, and what is old goes segment by segment.
 */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '#core/clock';
import { messageOf } from '#core/errors';
import { newId } from '#core/id';
import type { Log } from '#core/log';
import { EventIds } from '#store/event-ids';
import type { Store, StoredDocument } from '#store/store';
import { AuditFeed } from './audit-feed.ts';
import type { AuditDraft, AuditOutcome, AuditRecord } from './audit-record.ts';

const KIND = /^audit-(\d{8})$/;
const SEGMENT_RECORDS = 500;
const RECORDS_MAX = 100_000;
const KEPT_MS = 90 * 86_400_000;
const SWEEP_MS = 3_600_000;
/** Refusals of one principal that are kept one by one. */
const REFUSALS_MAX = 60;
const REFUSALS_WITHIN_MS = 60_000;
/** Principals whose refusals are counted at a time. */
const COUNTED_MAX = 1000;

export interface AuditLogOptions {
  readonly store: Pick<Store, 'documentKinds' | 'documents' | 'putDocument' | 'changeDocuments'>;
  readonly clock: Clock;
  /** Fills `size` bytes. */
  readonly random: (size: number) => Uint8Array;
  readonly log: Log;
  /** Records of a segment, and segments; for tests. */
  readonly segmentRecords?: number;
  readonly recordsMax?: number;
}

/** A record that waits for its outcome. */
export interface Begun {
  readonly record: AuditRecord;
  readonly segment: number;
}

interface Refusals {
  readonly since: number;
  count: number;
  omitted: number;
}

export class AuditLog {
  readonly feed: AuditFeed;
  readonly #options: AuditLogOptions;
  readonly #segmentRecords: number;
  /** Numbers of the segments, oldest first; the last one is written to. */
  readonly #segments: number[];
  readonly #ids: EventIds;
  readonly #refusals = new Map<string, Refusals>();
  #inLast: number;
  #sweptAt = Number.NEGATIVE_INFINITY;

  private constructor(options: AuditLogOptions, segments: number[], last: readonly StoredDocument[]) {
    this.#options = options;
    this.#segmentRecords = options.segmentRecords ?? SEGMENT_RECORDS;
    this.#segments = segments;
    this.#inLast = last.length;
    const newest = last.at(-1)?.id ?? null;
    this.#ids = new EventIds({ ...options, prefix: 'aud' }, newest);
    this.feed = new AuditFeed(newId('aup', options.clock.wall(), options.random), newest);
    // Who has read the newest record before a restart, or reads it now, follows from there and has missed nothing.
    for (const { body } of last) this.feed.add(body as AuditRecord);
  }

  /** @throws TidegateError `store.…` */
  static async open(options: AuditLogOptions): Promise<AuditLog> {
    const kinds = await options.store.documentKinds();
    const segments = kinds.flatMap((kind) => KIND.exec(kind)?.[1] ?? []).map(Number);
    segments.sort((a, b) => a - b);
    const last = segments.at(-1);
    return new AuditLog(options, segments, last === undefined ? [] : await options.store.documents(kindOf(last)));
  }

  newRequestId(): string {
    return newId('req', this.#options.clock.wall(), this.#options.random);
  }

  /** Keeps what is about to be done. @throws TidegateError `store.…`: then it must not be done */
  async begin(draft: AuditDraft): Promise<Begun> {
    return this.#keep(draft, null, this.#omittedOf(draft));
  }

  /** Adds what came of it. Never rejects: it has been done, and is in the log. */
  async finish({ record, segment }: Begun, outcome: AuditOutcome): Promise<void> {
    const whole = { ...record, outcome };
    this.feed.add(whole);
    try {
      await this.#options.store.putDocument(kindOf(segment), record.id, whole);
    } catch (error) {
      this.#options.log.error('the outcome of an audit record could not be kept', { audit: record.id, error });
    }
  }

  /** Keeps that something was refused, unless the same principal is refused all the time. Never rejects. */
  async refused(draft: AuditDraft, outcome: AuditOutcome): Promise<void> {
    if (!this.#isCounted(draft)) return;
    try {
      const { record } = await this.#keep(draft, outcome, this.#omittedOf(draft));
      this.feed.add(record);
    } catch (error) {
      this.#options.log.error('a refusal could not be kept in the audit log', { error: messageOf(error) });
    }
  }

  /** Up to `limit` records older than `before` (null: all) that pass, newest first. @param since ms since the epoch */
  async older(
    before: string | null,
    { limit, since, passes }: { limit: number; since: number; passes: (record: AuditRecord) => boolean },
  ): Promise<readonly AuditRecord[]> {
    const found: AuditRecord[] = [];
    for (const segment of this.#segments.toReversed()) {
      const kept = await this.#options.store.documents(kindOf(segment));
      // An embedded store answers at once: others get on between two segments all the same.
      await setImmediate();
      for (const { body } of kept.toReversed()) {
        const record = body as AuditRecord;
        if (record.at < since) return found;
        if (before !== null && record.id >= before) continue;
        if (passes(record)) found.push(record);
        if (found.length === limit) return found;
      }
    }
    return found;
  }

  async #keep(draft: AuditDraft, outcome: AuditOutcome | null, omitted: number): Promise<Begun> {
    const { store, clock } = this.#options;
    const at = clock.wall();
    const record: AuditRecord = { id: this.#ids.next(), at, ...draft, outcome, omitted };
    const segment = this.#segmentForNext();
    this.feed.begins(record.id);
    try {
      await store.putDocument(kindOf(segment), record.id, record, null);
    } catch (error) {
      this.feed.fails(record.id);
      throw error;
    }
    if (at - this.#sweptAt >= SWEEP_MS) await this.#sweep(at);
    return { record, segment };
  }

  #segmentForNext(): number {
    const last = this.#segments.at(-1);
    if (last !== undefined && this.#inLast < this.#segmentRecords) {
      this.#inLast++;
      return last;
    }
    const next = (last ?? 0) + 1;
    this.#segments.push(next);
    this.#inLast = 1;
    this.#sweptAt = Number.NEGATIVE_INFINITY;
    return next;
  }

  /** Drops segments that are too many, or all of whose records are too old. */
  async #sweep(now: number): Promise<void> {
    this.#sweptAt = now;
    const { store, log, recordsMax = RECORDS_MAX } = this.#options;
    const segmentsMax = Math.ceil(recordsMax / this.#segmentRecords);
    try {
      while (this.#segments.length > 1) {
        const [oldest = 0] = this.#segments;
        const kept = await store.documents(kindOf(oldest));
        const newest = kept.at(-1)?.body as AuditRecord | undefined;
        const isOld = newest === undefined || now - newest.at >= KEPT_MS;
        if (!isOld && this.#segments.length <= segmentsMax) return;
        await store.changeDocuments(kept.map(({ id }) => ({ kind: kindOf(oldest), id, drop: true })));
        if (this.#segments[0] === oldest) this.#segments.shift();
      }
    } catch (error) {
      log.warn('old audit records could not be dropped', { error: messageOf(error) });
    }
  }

  #isCounted({ principal }: AuditDraft): boolean {
    const now = this.#options.clock.now();
    const key = principal?.id ?? '';
    const found = this.#refusals.get(key);
    if (found !== undefined && now - found.since < REFUSALS_WITHIN_MS) {
      found.count++;
      if (found.count <= REFUSALS_MAX) return true;
      found.omitted++;
      return false;
    }
    if (found === undefined && this.#refusals.size >= COUNTED_MAX) this.#refusals.clear();
    this.#refusals.set(key, { since: now, count: 1, omitted: found?.omitted ?? 0 });
    return true;
  }

  /** Refusals that nobody has been told of yet. */
  #omittedOf({ principal }: AuditDraft): number {
    const found = this.#refusals.get(principal?.id ?? '');
    if (found === undefined) return 0;
    const { omitted } = found;
    found.omitted = 0;
    return omitted;
  }
}

function kindOf(segment: number): string {
  return `audit-${String(segment).padStart(8, '0')}`;
}
