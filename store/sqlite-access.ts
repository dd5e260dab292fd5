/**
 * One connection as the parts of the store use it: statements are prepared once, and whatever SQLite says comes out as a
 * TidegateError.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { TidegateError } from '#core/errors';
import { transaction } from './migrations.ts';
import { storeFault } from './sqlite-fault.ts';
import type { Row } from './sqlite-row.ts';

export class SqliteAccess {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #statements = new Map<string, StatementSync>();

  /** @param path for messages */
  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#use(() => this.#prepared(sql).all(...values));
  }

  first(sql: string, ...values: SQLInputValue[]): Row | null {
    return this.#use(() => this.#prepared(sql).get(...values) ?? null);
  }

  /** Returns the row id of what was added last. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return this.#use(() => Number(this.#prepared(sql).run(...values).lastInsertRowid));
  }

  /** All that `work` writes, or nothing. Nobody else writes to the file meanwhile. */
  transaction<T>(work: () => T): T {
    return this.#use(() => transaction(this.#database, work));
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }

  #use<T>(work: () => T): T {
    if (!this.#database.isOpen) throw new TidegateError('store.failed', `${this.#path} is closed`);
    try {
      return work();
    } catch (error) {
      throw storeFault(error, this.#path);
    }
  }
}
