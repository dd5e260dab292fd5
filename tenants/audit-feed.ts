/** The last audit records in memory, in the order in which their outcomes became known, for who follows them. */
import { RecentFeed } from '#core/recent-feed';
import type { AuditRecord } from './audit-record.ts';

const CAPACITY = 1000;

/** One moment of the log: what had been added to the feed by then, and what was still to come of what had begun. */
export interface AuditBorder {
  /** Id of the newest record that had begun; null: none had. */
  readonly newest: string | null;
  /** Ids of records that had begun and were not in the feed. */
  readonly pending: ReadonlySet<string>;
  /** A reader goes on from there when it is given to {@link AuditFeed.resume}. */
  readonly token: string;
}

export class AuditFeed extends RecentFeed<AuditRecord> {
  readonly #pending = new Set<string>();
  /** Positions are those of this feed alone, and begin anew with the process. */
  readonly #name: string;
  #newest: string | null;

  /** @param name of no other feed @param newest id of the newest record that was kept before */
  constructor(name: string, newest: string | null) {
    super(CAPACITY);
    this.#name = name;
    this.#newest = newest;
  }

  /** It is added when its outcome is known. In the order of ids. */
  begins(id: string): void {
    this.#newest = id;
    this.#pending.add(id);
  }

  /** It is not to be added: it could not be kept, and nothing was done. */
  fails(id: string): void {
    this.#pending.delete(id);
  }

  override add(record: AuditRecord): void {
    this.#pending.delete(record.id);
    super.add(record);
  }

  border(): AuditBorder {
    return { newest: this.#newest, pending: new Set(this.#pending), token: `${this.#name}.${this.end}` };
  }

  /**
   * Where a reader goes on. `gap`: what came after it may be gone in part.
   * @param seen the record that it has seen last, or the token of a border
   */
  resume(seen: string): { readonly position: number; readonly gap: boolean } {
    const [name, position] = seen.split('.');
    if (name === this.#name) {
      const given = Number(position);
      const isGood = Number.isSafeInteger(given) && given >= this.start && given <= this.end;
      return isGood ? { position: given, gap: false } : { position: this.start, gap: true };
    }
    // Outcomes do not become known in the order of ids.
    for (let at = this.end - 1; at >= this.start; at--) {
      if (this.at(at)?.id === seen) return { position: at + 1, gap: false };
    }
    return { position: this.start, gap: true };
  }
}
