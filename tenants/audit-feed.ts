/** The last audit records in memory, in the order in which their outcomes became known, for who follows them. */
import type { AuditRecord } from './audit-record.ts';

const CAPACITY = 1000;

export class AuditFeed {
  /** The record at position p is in slot p modulo the capacity. */
  readonly #ring: AuditRecord[] = [];
  readonly #waiting = new Map<() => void, number>();
  #end = 0;

  /** The position after the newest record. */
  get end(): number {
    return this.#end;
  }

  add(record: AuditRecord): void {
    this.#ring[this.#end % CAPACITY] = record;
    this.#end++;
    for (const [wake, position] of [...this.#waiting]) if (position < this.#end) wake();
  }

  /** Where a reader goes on that has seen the record `id` last. `gap`: what came after it may be gone in part. */
  resume(id: string): { readonly position: number; readonly gap: boolean } {
    for (let position = this.#end - 1; position >= this.#start; position--) {
      if (this.#ring[position % CAPACITY]?.id === id) return { position: position + 1, gap: false };
    }
    return { position: this.#start, gap: true };
  }

  /** Up to `limit` records from a position on. `gap`: some between there and these are gone. */
  read(position: number, limit: number) {
    const from = Math.max(position, this.#start);
    const next = Math.max(from, Math.min(from + limit, this.#end));
    const events: AuditRecord[] = [];
    for (let p = from; p < next; p++) {
      const record = this.#ring[p % CAPACITY];
      if (record !== undefined) events.push(record);
    }
    return { events, next, gap: from > position };
  }

  /** Resolves as soon as there is a record at the position, or when the signal aborts. */
  arrived(position: number, signal: AbortSignal): Promise<void> {
    if (this.#end > position || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.set(done, position);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  get #start(): number {
    return Math.max(0, this.#end - CAPACITY);
  }
}
