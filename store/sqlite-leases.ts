/**
 * Leases in the state file. Each step is one transaction that nobody else can write during, so of several who ask at once
 * one gets it, also from other processes.
 */
import { TidegateError } from '#core/errors';
import type { SqliteAccess } from './sqlite-access.ts';
import { number, text } from './sqlite-row.ts';
import type { Lease } from './store.ts';

export class SqliteLeases {
  readonly #access: SqliteAccess;

  constructor(access: SqliteAccess) {
    this.#access = access;
  }

  acquire(name: string, holder: string, ttlMs: number, now: number): Lease | null {
    const until = now + ttlMs;
    return this.#access.transaction(() => {
      const row = this.#access.first('SELECT * FROM lease WHERE name = ?', name);
      if (row === null || number(row.until) <= now) {
        const sql = 'INSERT OR REPLACE INTO lease (name, holder, until) VALUES (?, ?, ?)';
        return { name, holder, fence: this.#access.run(sql, name, holder, until), until };
      }
      if (text(row.holder) !== holder) return null;
      this.#access.run('UPDATE lease SET until = ? WHERE name = ?', until, name);
      return { name, holder, fence: number(row.fence), until };
    });
  }

  release({ name, holder, fence }: Lease): void {
    this.#access.run('DELETE FROM lease WHERE name = ? AND holder = ? AND fence = ?', name, holder, fence);
  }

  holds({ name, holder, fence }: Lease, now: number): boolean {
    const sql = 'SELECT until FROM lease WHERE name = ? AND holder = ? AND fence = ?';
    const row = this.#access.first(sql, name, holder, fence);
    return row !== null && number(row.until) > now;
  }

  /** Does `work` while the lease is in force: until it is done, nobody can take it. @throws TidegateError `store.conflict` */
  under<T>(lease: Lease, now: number, work: () => T): T {
    return this.#access.transaction(() => {
      if (this.holds(lease, now)) return work();
      throw new TidegateError('store.conflict', `${lease.holder} does not hold the lease ${lease.name} any more`, {
        detail: { name: lease.name, fence: lease.fence },
      });
    });
  }
}
