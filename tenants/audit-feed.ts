/** The last audit records in memory, in the order in which their outcomes became known, for who follows them. */
import { RecentFeed } from '#core/recent-feed';
import type { AuditRecord } from './audit-record.ts';

const CAPACITY = 1000;

export class AuditFeed extends RecentFeed<AuditRecord> {
  constructor() {
    super(CAPACITY);
  }

  /** Where a reader goes on that has seen the record `id` last. `gap`: what came after it may be gone in part. */
  resume(id: string): { readonly position: number; readonly gap: boolean } {
    // Outcomes do not become known in the order of ids.
    for (let position = this.end - 1; position >= this.start; position--) {
      if (this.at(position)?.id === id) return { position: position + 1, gap: false };
    }
    return { position: this.start, gap: true };
  }
}
