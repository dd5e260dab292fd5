/**
 * Brings an exported state into a store. Nothing is written before the whole file has been read and found whole; from the
 * first write to the last a marker stands in the store, so that one that was killed is never taken for a state.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { isTidegateError, messageOf, TidegateError } from '#core/errors';
import type { Event } from '#core/event';
import { MARKER } from './import-marker.ts';
import { readState } from './state-file.ts';
import type { StateCounts, StateRecord } from './state-record.ts';
import type { DocumentChange, Store } from './store.ts';

/** Written in one step, at most; and at most so much of JSON. */
const BATCH = 200;
const BATCH_BYTES = 1024 * 1024;

export interface ImportOptions {
  readonly file: string;
  /** Whether what the store holds may be dropped. */
  readonly isReplacing: boolean;
  /** Ms since the epoch. */
  readonly now: number;
}

/**
 * Nobody else may use the store meanwhile. A store with a half import in it is filled anew, whatever the options say.
 * @throws TidegateError `store.file_unfit`, `store.newer`, `store.not_empty`, `store.failed`
 */
export async function importState(store: Store, { file, isReplacing, now }: ImportOptions): Promise<StateCounts> {
  const handle = await openFile(file);
  try {
    const { head, checksum } = await readState(handle, file, () => {});
    const isHalf = (await store.document(MARKER.kind, MARKER.id)) !== null;
    const isEmpty = !isHalf && (await holdsNothing(store));
    if (!isHalf && !isEmpty && !isReplacing) {
      throw new TidegateError('store.not_empty', 'the store holds state already; nothing was imported');
    }
    await store.putDocument(MARKER.kind, MARKER.id, { file, checksum, at: new Date(now).toISOString() });
    if (!isEmpty) await dropAll(store);
    const filling = new Filling(store);
    const second = await readState(handle, file, (record) => filling.take(record)).catch((error) => {
      throw isTidegateError(error) && error.code === 'store.file_unfit' ? changed(file, error) : error;
    });
    await filling.end();
    if (second.checksum !== checksum) throw changed(file);
    await store.dropDocument(MARKER.kind, MARKER.id);
    return head.counts;
  } finally {
    await handle.close();
  }
}

/** Between the two times that it is read: the marker stays. */
function changed(file: string, cause?: unknown): TidegateError {
  const words = 'was changed while it was imported: the store holds a half import, which no Tidegate starts on';
  return new TidegateError('store.file_unfit', `${file} ${words}`, { cause, detail: { file } });
}

async function openFile(file: string): Promise<FileHandle> {
  let handle: FileHandle | null = null;
  try {
    handle = await open(file, 'r');
    if (!(await handle.stat()).isFile()) throw new Error('it is no file that can be read twice');
    return handle;
  } catch (error) {
    await handle?.close();
    throw new TidegateError('store.file_unfit', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

async function holdsNothing(store: Store): Promise<boolean> {
  const counts = [
    (await store.documentKinds()).length,
    (await store.scales()).size,
    (await store.sleeping()).size,
    (await store.pictures()).size,
    (await store.tokens()).length,
    (await store.lastEvents(1)).length,
    (await store.certificates({ after: null, limit: 1 })).length,
  ];
  return counts.every((count) => count === 0);
}

/** All but the marker, and leases: those end by themselves. */
async function dropAll(store: Store): Promise<void> {
  for (const kind of await store.documentKinds()) {
    if (kind === MARKER.kind) continue;
    for await (const page of store.documentPages(kind, BATCH)) {
      await store.changeDocuments(page.map(({ id }) => ({ kind, id, drop: true })));
    }
  }
  for (const key of (await store.scales()).keys()) await store.dropScale(key);
  for (const replica of (await store.sleeping()).keys()) await store.dropSleeping(replica);
  for (const host of (await store.pictures()).keys()) await store.dropPicture(host);
  for (const { id } of await store.tokens()) await store.dropToken(id);
  await store.dropEvents();
  while (true) {
    const page = await store.certificates({ after: null, limit: BATCH });
    if (page.length === 0) return;
    for (const { id } of page) await store.dropCertificate(id);
  }
}

/** Writes records as they come; documents and events several at a time. */
class Filling {
  readonly #store: Store;
  #documents: DocumentChange[] = [];
  #events: Event[] = [];
  #bytes = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  async take(record: StateRecord): Promise<void> {
    switch (record.type) {
      case 'scale':
        return this.#store.putScale(record.set, record.scale);
      case 'sleeping':
        return this.#store.putSleeping(record.replica, record.note);
      case 'token':
        return this.#store.putToken(record.token);
      case 'certificate':
        return this.#store.putCertificate(record.row);
      case 'event':
        this.#events.push(record.event);
        return this.#added(record.event);
      case 'document': {
        const { kind, id, body } = record;
        this.#documents.push({ kind, id, body });
        return this.#added(body);
      }
    }
  }

  async end(): Promise<void> {
    const [documents, events] = [this.#documents, this.#events];
    this.#documents = [];
    this.#events = [];
    this.#bytes = 0;
    if (events.length > 0) await this.#store.appendEvents(events);
    if (documents.length > 0) await this.#store.changeDocuments(documents);
  }

  async #added(value: unknown): Promise<void> {
    this.#bytes += JSON.stringify(value).length;
    if (this.#documents.length + this.#events.length >= BATCH || this.#bytes >= BATCH_BYTES) await this.end();
  }
}
