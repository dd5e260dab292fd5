/** What SQLite's result codes (sqlite.org/rescode.html) mean to us. */
import { messageOf, TidegateError } from '#core/errors';

const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** Another connection holds a lock that this one needs. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === SQLITE_BUSY;
}

/** A failure of SQLite as a TidegateError; a TidegateError stays what it is. */
export function storeFault(error: unknown, file: string): TidegateError {
  if (error instanceof TidegateError) return error;
  const code = primaryCode(error);
  const broken = code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
  return new TidegateError(broken ? 'store.corrupt' : 'store.failed', `${file}: ${messageOf(error)}`, {
    cause: error,
    detail: { file, sqlite: code },
  });
}

/** The low byte of an extended result code; null when SQLite did not say this. */
function primaryCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null;
  return error.errcode & 0xff;
}
