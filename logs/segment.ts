/**
 * One file of a log: records behind each other, only ever appended to. What a crash left of its last record is cut off
 * when it is opened to be written on; blocks of it are known by their ids and times, so that a search reads only what it
 * has to.
 */
import { type FileHandle, open, readFile, writeFile } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import type { LogLine, LogSource } from './log-line.ts';
import { isSource, type LogRecord, readRecord, type SourceRecord } from './log-record.ts';

/** A block ends with the record that makes it this long. */
const BLOCK_BYTES = 65_536;
/** Read at a time; others get on in between. */
const STEP_BYTES = 1_048_576;
const LINE_FEED = 10;

/** A piece of the file that begins and ends with whole records, and holds a line at the least. */
export interface Block {
  readonly offset: number;
  end: number;
  readonly firstId: number;
  lastId: number;
  /** Earliest and latest time of its lines. */
  minAt: string;
  maxAt: string;
}

interface Contents {
  readonly sources: Map<number, LogSource>;
  readonly blocks: Block[];
}

export class Segment {
  readonly path: string;
  /** Id of its first line, also before that is written. */
  readonly firstId: number;
  #contents: Promise<Contents> | null;
  #bytes: number;

  /** @param contents left out: they are read when they are asked for */
  constructor(path: string, facts: { readonly firstId: number; readonly bytes: number }, contents?: Contents) {
    this.path = path;
    this.firstId = facts.firstId;
    this.#bytes = facts.bytes;
    this.#contents = contents === undefined ? null : Promise.resolve(contents);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Oldest first. */
  async blocks(): Promise<readonly Block[]> {
    return (await this.#read()).blocks;
  }

  /** The lines of a block, oldest first. @param passes tells by its bytes whether a block is worth parsing */
  async lines(block: Block, passes: (bytes: Buffer) => boolean = () => true): Promise<LogLine[]> {
    const { sources } = await this.#read();
    const bytes = Buffer.alloc(block.end - block.offset);
    const file = await open(this.path, 'r');
    try {
      await file.read(bytes, 0, bytes.length, block.offset);
    } finally {
      await file.close();
    }
    if (!passes(bytes)) return [];
    return recordsOf(bytes).flatMap(({ record }) => {
      if (isSource(record)) return [];
      const source = sources.get(record.source);
      return source === undefined ? [] : [{ id: record.id, source, ...record.line }];
    });
  }

  /** Remembers what its blocks are, for a time when it is not written on any more. */
  async seal(): Promise<void> {
    const { sources, blocks } = await this.#read();
    const index = { bytes: this.#bytes, sources: [...sources], blocks };
    await writeFile(indexOf(this.path), JSON.stringify(index), { mode: 0o600 });
  }

  #read(): Promise<Contents> {
    this.#contents ??= readIndex(this.path, this.#bytes).then(
      async (index) => index ?? (await contentsOf(await readFile(this.path))).contents,
    );
    this.#contents.catch(() => {
      this.#contents = null;
    });
    return this.#contents;
  }

  /** What was appended. */
  grew(bytes: number): void {
    this.#bytes += bytes;
  }
}

/** The segment at the end of a log: it is written on. */
export class OpenSegment {
  readonly segment: Segment;
  readonly #file: FileHandle;
  readonly #contents: Contents;
  #written: number;

  private constructor(segment: Segment, file: FileHandle, contents: Contents) {
    this.segment = segment;
    this.#file = file;
    this.#contents = contents;
    this.#written = segment.bytes;
  }

  static async create(path: string, firstId: number): Promise<OpenSegment> {
    const contents = { sources: new Map(), blocks: [] };
    const segment = new Segment(path, { firstId, bytes: 0 }, contents);
    return new OpenSegment(segment, await open(path, 'wx', 0o600), contents);
  }

  /** Opens one that was there; whatever stands behind its last whole record is cut off. */
  static async reopen(
    path: string,
    firstId: number,
  ): Promise<{ readonly open: OpenSegment; readonly records: readonly Placed[] }> {
    const bytes = await readFile(path);
    const { contents, records, end } = await contentsOf(bytes);
    const file = await open(path, 'r+');
    if (end < bytes.length) await file.truncate(end);
    const segment = new Segment(path, { firstId, bytes: end }, contents);
    return { open: new OpenSegment(segment, file, contents), records };
  }

  /**
   * Appends records; when this has returned they can be read.
   * @param texts each a record, with the line in it or the source that it declares
   * @throws the system's own error; then nothing was appended
   */
  async append(texts: readonly AppendedRecord[]): Promise<void> {
    const bytes = Buffer.from(texts.map(({ text }) => text).join(''));
    try {
      await this.#file.write(bytes, 0, bytes.length, this.#written);
    } catch (error) {
      await this.#file.truncate(this.#written).catch(() => {});
      throw error;
    }
    let offset = this.#written;
    for (const { text, line, source } of texts) {
      const length = Buffer.byteLength(text);
      if (source !== undefined) this.#contents.sources.set(source.source, source.of);
      if (line !== undefined) noteLine(this.#contents.blocks, line, { offset, end: offset + length });
      offset += length;
    }
    this.#written = offset;
    this.segment.grew(bytes.length);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

export interface AppendedRecord {
  readonly text: string;
  readonly line?: { readonly id: number; readonly at: string };
  readonly source?: SourceRecord;
}

export function indexOf(path: string): string {
  return `${path}.index`;
}

interface Placed {
  readonly record: LogRecord;
  readonly offset: number;
  readonly end: number;
}

/** Whole records in order; what cannot be read is left out. */
function recordsOf(bytes: Buffer, from = 0, upTo = bytes.length): Placed[] {
  const found: Placed[] = [];
  let offset = from;
  for (let end = bytes.indexOf(LINE_FEED, offset); end >= 0 && offset < upTo; end = bytes.indexOf(LINE_FEED, offset)) {
    const record = readRecord(bytes.toString('utf8', offset, end));
    if (record !== null) found.push({ record, offset, end: end + 1 });
    offset = end + 1;
  }
  return found;
}

async function contentsOf(bytes: Buffer): Promise<{ contents: Contents; records: Placed[]; end: number }> {
  const contents: Contents = { sources: new Map(), blocks: [] };
  const records: Placed[] = [];
  for (let from = 0; from < bytes.length; ) {
    const upTo = from + STEP_BYTES;
    records.push(...recordsOf(bytes, from, upTo));
    const rest = bytes.indexOf(LINE_FEED, upTo - 1);
    from = rest < 0 ? bytes.length : rest + 1;
    await turn();
  }
  for (const { record, offset, end } of records) {
    if (isSource(record)) contents.sources.set(record.source, record.of);
    else noteLine(contents.blocks, { id: record.id, at: record.line.at }, { offset, end });
  }
  return { contents, records, end: records.at(-1)?.end ?? 0 };
}

/** Adds a line to the last block, or begins one with it. */
function noteLine(
  blocks: Block[],
  { id, at }: { id: number; at: string },
  place: { offset: number; end: number },
): void {
  const last = blocks.at(-1);
  if (last === undefined || last.end - last.offset >= BLOCK_BYTES) {
    blocks.push({ ...place, firstId: id, lastId: id, minAt: at, maxAt: at });
    return;
  }
  last.end = place.end;
  last.lastId = id;
  if (at < last.minAt) last.minAt = at;
  if (at > last.maxAt) last.maxAt = at;
}

/** Null: there is none that fits the file. */
async function readIndex(path: string, bytes: number): Promise<Contents | null> {
  try {
    const index = JSON.parse(await readFile(indexOf(path), 'utf8')) as {
      readonly bytes: number;
      readonly sources: [number, LogSource][];
      readonly blocks: Block[];
    };
    return index.bytes === bytes ? { sources: new Map(index.sources), blocks: index.blocks } : null;
  } catch {
    return null;
  }
}
