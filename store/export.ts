/**
 * Writes all that a store holds into one file, page by page, for a copy or for another kind of store. The file is there
 * whole or not at all, readable by its owner alone, and takes no other's place. Leases are left out, they are of the
 * moment, and pictures, which are drawn anew. What is sealed stays sealed: the key is not in it.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, link, open, rename, rm } from 'node:fs/promises';
import { messageOf, TidegateError } from '#core/errors';
import { refuseHalfImport } from './import-marker.ts';
import { FORMAT, FORMAT_VERSION, type StateHead } from './state-file.ts';
import { encodeRecord, noCounts, type StateCounts, type StateRecord } from './state-record.ts';
import { EVENTS_KEPT, type Store } from './store.ts';

const FILE_MODE = 0o600;
const PAGE = 200;
/** Handed to the system together. */
const WRITE_BYTES = 256 * 1024;

export interface ExportOptions {
  readonly file: string;
  readonly instance: string;
  /** Ms since the epoch. */
  readonly now: number;
}

/**
 * Nobody may write to the store meanwhile.
 * @throws TidegateError `store.file_exists`, `store.empty`, `store.half_imported`, `store.failed`
 */
export async function exportState(store: Store, { file, instance, now }: ExportOptions): Promise<StateCounts> {
  if (existsSync(file)) throw exists(file);
  await refuseHalfImport(store);
  const counts = noCounts();
  for await (const { type } of recordsOf(store)) counts[type]++;
  if (Object.values(counts).every((count) => count === 0)) {
    throw new TidegateError('store.empty', 'there is no state to export');
  }
  const at = new Date(now).toISOString();
  const draft = `${file}.part`;
  try {
    // Of an export that was killed; a link to elsewhere is removed, not followed.
    await rm(draft, { force: true });
    const handle = await open(draft, 'wx', FILE_MODE);
    try {
      await handle.chmod(FILE_MODE);
      await write(handle, store, { format: FORMAT, version: FORMAT_VERSION, instance, at, counts });
      await handle.sync();
    } finally {
      await handle.close();
    }
    await publish(draft, file);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {});
    if (error instanceof TidegateError) throw error;
    throw new TidegateError('store.failed', `${file} cannot be written: ${messageOf(error)}`, { cause: error });
  }
  return counts;
}

async function write(handle: FileHandle, store: Store, head: StateHead): Promise<void> {
  const hash = createHash('sha256');
  const written = noCounts();
  let pending = `${JSON.stringify(head)}\n`;
  const flush = async (): Promise<void> => {
    hash.update(pending);
    await handle.appendFile(pending);
    pending = '';
  };
  for await (const record of recordsOf(store)) {
    written[record.type]++;
    pending += `${encodeRecord(record)}\n`;
    if (pending.length >= WRITE_BYTES) await flush();
  }
  await flush();
  if (JSON.stringify(written) !== JSON.stringify(head.counts)) {
    throw new TidegateError('store.failed', 'the state was changed by somebody while it was exported');
  }
  await handle.appendFile(`${JSON.stringify({ sha256: hash.digest('hex') })}\n`);
}

async function* recordsOf(store: Store): AsyncGenerator<StateRecord> {
  for (const [set, scale] of await store.scales()) yield { type: 'scale', set, scale };
  for (const [replica, note] of await store.sleeping()) yield { type: 'sleeping', replica, note };
  for (const event of await store.lastEvents(EVENTS_KEPT)) yield { type: 'event', event };
  for (const token of await store.tokens()) yield { type: 'token', token };
  for (const kind of await store.documentKinds()) {
    for await (const page of store.documentPages(kind, PAGE)) {
      for (const { id, body } of page) yield { type: 'document', kind, id, body };
    }
  }
  let after: string | null = null;
  do {
    const page = await store.certificates({ after, limit: PAGE });
    for (const row of page) yield { type: 'certificate', row };
    after = page.at(-1)?.id ?? null;
  } while (after !== null);
}

/** A link never takes the place of a file; where the file system knows none, the name is looked at once more. */
async function publish(draft: string, file: string): Promise<void> {
  try {
    await link(draft, file);
  } catch {
    if (existsSync(file)) throw exists(file);
    await rename(draft, file);
    return;
  }
  await rm(draft);
}

function exists(file: string): TidegateError {
  return new TidegateError('store.file_exists', `${file} is there already`, { detail: { file } });
}
