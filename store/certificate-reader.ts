/**
 * Looks into the file of certificates from a process that does not hold the state directory: read-only, at any time, also
 * while its owner writes, is dead, or has not made it yet. What has been written is seen by the next look.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { BY_NAME, CERTIFICATES_FILE, certificateOf } from './sqlite-certificates.ts';
import { storeFault } from './sqlite-fault.ts';
import type { CertificateRow } from './store.ts';

/** A reader waits for nobody, but for the one who recovers the file after a crash. It blocks the process. */
const BUSY_TIMEOUT_MS = 100;

interface Opened {
  readonly database: DatabaseSync;
  readonly byName: StatementSync;
}

export class CertificateReader {
  readonly #file: string;
  #opened: Opened | null = null;

  /** @param directory of the state */
  constructor(directory: string) {
    this.#file = join(directory, CERTIFICATES_FILE);
  }

  /**
   * The newest certificate with exactly this name that is accepted; null: there is none, or no file yet.
   * @throws TidegateError `store.corrupt` or `store.failed`
   */
  newest(name: string, accepts: (row: CertificateRow) => boolean): CertificateRow | null {
    try {
      const opened = this.#open();
      if (opened === null) return null;
      for (const row of opened.byName.iterate(name)) {
        const found = certificateOf(row);
        if (accepts(found)) return found;
      }
      return null;
    } catch (error) {
      // A file that was put in the place of the old one is to be found by the next look.
      this.close();
      throw storeFault(error, this.#file);
    }
  }

  /** Lets go of the file; the next look opens it again. */
  close(): void {
    this.#opened?.database.close();
    this.#opened = null;
  }

  #open(): Opened | null {
    if (this.#opened !== null) return this.#opened;
    if (!existsSync(this.#file)) return null;
    const database = new DatabaseSync(this.#file, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    try {
      // Its owner makes the file first and the tables a moment later.
      if (database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'certificate_name'").get() === undefined) {
        database.close();
        return null;
      }
      this.#opened = { database, byName: database.prepare(BY_NAME) };
      return this.#opened;
    } catch (error) {
      if (database.isOpen) database.close();
      throw error;
    }
  }
}
