/**
 * Reads a file that a state was exported to: line by line, whatever its size, and never silently less than the whole of
 * it. The first line says what it is and how much is in it, the last one has the SHA-256 of all before it.
 */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { TidegateError } from '#core/errors';
import {
  decodeRecord,
  type Fields,
  isFields,
  noCounts,
  RECORD_TYPES,
  type StateCounts,
  type StateRecord,
} from './state-record.ts';

export const FORMAT = 'tidegate-state';
/** Grows with every change that an older version would not understand. */
export const FORMAT_VERSION = 1;
/** A longer line is none of ours; as much is held at a time. */
const LINE_MAX_BYTES = 64 * 1024 * 1024;
const LINE_END = 0x0a;

export interface StateHead {
  readonly format: typeof FORMAT;
  readonly version: number;
  /** Of the state directory that the state was exported with. */
  readonly instance: string;
  /** RFC 3339. */
  readonly at: string;
  readonly counts: StateCounts;
}

/** What the last line says, as hexadecimal digits. */
export type Checksum = string;

/**
 * Hands on every record in turn, and resolves with the checksum when the file has proved to be whole.
 * @param file for messages
 * @throws TidegateError `store.file_unfit`, `store.newer`
 */
export async function readState(
  handle: FileHandle,
  file: string,
  take: (record: StateRecord) => Promise<void> | void,
): Promise<{ readonly head: StateHead; readonly checksum: Checksum }> {
  const hash = createHash('sha256');
  const found = noCounts();
  let head: StateHead | null = null;
  let checksum: Checksum | null = null;
  let number = 0;
  for await (const line of linesOf(handle, file)) {
    number++;
    if (checksum !== null) throw unfit(file, `goes on behind its end, in line ${number}`);
    const said = fieldsOf(line);
    if (head === null) head = headOf(said, file);
    else if (typeof said?.sha256 === 'string') checksum = said.sha256;
    else {
      const record = said === null ? null : decodeRecord(said);
      if (record === null) throw unfit(file, `line ${number} is torn, or nothing that Tidegate wrote`);
      found[record.type]++;
      await take(record);
    }
    if (checksum === null) hash.update(line);
  }
  if (head === null) throw unfit(file, 'is empty');
  if (checksum === null) throw unfit(file, `is torn: it ends behind line ${number}, without a checksum`);
  if (hash.digest('hex') !== checksum) throw unfit(file, 'was changed: it has not the SHA-256 that its last line says');
  for (const type of RECORD_TYPES) {
    if (found[type] === head.counts[type]) continue;
    throw unfit(
      file,
      `was changed: it holds ${found[type]} lines of ${type} where the first says ${head.counts[type]}`,
    );
  }
  return { head, checksum };
}

/** Lines with their ends. */
async function* linesOf(handle: FileHandle, file: string): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let held = 0;
  for await (const chunk of handle.createReadStream({ start: 0, autoClose: false }) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, from)) {
      yield Buffer.concat([...parts, chunk.subarray(from, end + 1)]);
      parts = [];
      held = 0;
      from = end + 1;
    }
    if (from === chunk.length) continue;
    parts.push(chunk.subarray(from));
    held += chunk.length - from;
    if (held > LINE_MAX_BYTES) throw unfit(file, 'is no export of a state: it has a line without an end');
  }
  if (held > 0) yield Buffer.concat(parts);
}

function headOf(said: Fields | null, file: string): StateHead {
  if (said?.format !== FORMAT || typeof said.version !== 'number') throw unfit(file, 'is no export of a state');
  if (said.version > FORMAT_VERSION) {
    throw new TidegateError(
      'store.newer',
      `${file} has version ${said.version}; this Tidegate knows ${FORMAT_VERSION}`,
      {
        detail: { file, version: said.version, known: FORMAT_VERSION },
      },
    );
  }
  const { counts } = said;
  if (!isFields(counts) || !RECORD_TYPES.every((type) => typeof counts[type] === 'number')) {
    throw unfit(file, 'does not say how much is in it');
  }
  return said as unknown as StateHead;
}

function fieldsOf(line: Buffer): Fields | null {
  try {
    const said: unknown = JSON.parse(line.toString('utf8'));
    return isFields(said) ? said : null;
  } catch {
    return null;
  }
}

function unfit(file: string, words: string): TidegateError {
  return new TidegateError('store.file_unfit', `${file} ${words}`, { detail: { file } });
}
