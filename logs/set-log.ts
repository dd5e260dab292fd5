/**
 * The log of one set: lines of all its containers behind each other in segments, the oldest of which go when there is too
 * much. A line that `append` returned for is there after the process is killed; positions only ever grow, also when
 * everything before them is gone.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { LogDraft, LogLine, LogSource } from './log-line.ts';
import { isSource, lineText, sourceText } from './log-record.ts';
import { ResumeWindow } from './resume-window.ts';
import { type AppendedRecord, type Block, indexOf, OpenSegment, Segment } from './segment.ts';

const SEGMENT_BYTES = 8_388_608;
/** So that what is kept is close to what was asked for. */
const SEGMENTS_MIN = 4;
/** Containers whose place in their output is remembered: far more than a set has at a time. */
const SOURCES_KEPT = 256;
const NAME = /^(\d{15})\.log$/;

interface Known {
  readonly of: LogSource;
  readonly window: ResumeWindow;
  /** Its number in the present segment; null: it is not declared there. */
  number: number | null;
}

export interface LogSlice {
  /** Oldest first. */
  readonly lines: readonly LogLine[];
  /** The last position that was looked at. */
  readonly next: number;
  /** Lines between the position asked for and the first of these are gone. */
  readonly gap: boolean;
}

/** A block and the segment that it is in. */
export interface PlacedBlock {
  readonly segment: Segment;
  readonly block: Block;
}

export class SetLog {
  readonly #directory: string;
  readonly #keepBytes: number;
  readonly #segmentBytes: number;
  /** Oldest first, without the open one. */
  readonly #sealed: Segment[] = [];
  /** By id of container, the one that wrote last at the end. */
  readonly #known = new Map<string, Known>();
  readonly #writers = new Set<string>();
  readonly #waiting = new Map<() => void, number>();
  #open: OpenSegment;
  #nextNumber = 0;
  #end: number;
  /** What is being done to the files, one after the other. */
  #work: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(directory: string, keepBytes: number, open: OpenSegment, end: number) {
    this.#directory = directory;
    this.#keepBytes = keepBytes;
    this.#segmentBytes = Math.min(SEGMENT_BYTES, Math.ceil(keepBytes / SEGMENTS_MIN));
    this.#open = open;
    this.#end = end;
  }

  /** @throws the system's own error */
  static async open(directory: string, keepBytes: number): Promise<SetLog> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const firstIds = (await readdir(directory))
      .flatMap((name) => NAME.exec(name)?.slice(1).map(Number) ?? [])
      .sort(byValue);
    const last = firstIds.pop();
    if (last === undefined) {
      return new SetLog(directory, keepBytes, await OpenSegment.create(fileOf(directory, 1), 1), 0);
    }
    const { open, records } = await OpenSegment.reopen(fileOf(directory, last), last);
    const log = new SetLog(directory, keepBytes, open, last - 1);
    for (const firstId of firstIds) {
      const file = fileOf(directory, firstId);
      log.#sealed.push(new Segment(file, { firstId, bytes: (await stat(file)).size }));
    }
    const bySource = new Map<number, Known>();
    for (const { record } of records) {
      if (isSource(record)) {
        const known = { of: record.of, window: new ResumeWindow(record.window), number: record.source };
        bySource.set(record.source, known);
        log.#known.set(record.of.container, known);
        log.#nextNumber = Math.max(log.#nextNumber, record.source + 1);
      } else {
        const known = bySource.get(record.source);
        if (record.line.stream !== 'gap') known?.window.note(record.line);
        log.#end = Math.max(log.#end, record.id);
      }
    }
    return log;
  }

  /** Position of the newest line; 0 before the first. */
  get end(): number {
    return this.#end;
  }

  /** Position of the oldest line that is kept. */
  get begin(): number {
    return (this.#sealed[0] ?? this.#open.segment).firstId;
  }

  get bytes(): number {
    return this.#sealed.reduce((sum, one) => sum + one.bytes, this.#open.segment.bytes);
  }

  /** There are containers whose lines go here. */
  get isWrittenOn(): boolean {
    return this.#writers.size > 0;
  }

  /** A container's output is being read: until `release`. */
  claim(container: string): void {
    this.#writers.add(container);
  }

  /** Where a container's output is to be taken up. */
  windowOf(container: string): ResumeWindow {
    return this.#known.get(container)?.window ?? new ResumeWindow();
  }

  /** The container is gone: nothing more will come of it. */
  release(container: string): void {
    this.#writers.delete(container);
    this.#known.delete(container);
  }

  /**
   * Keeps lines. @returns when they are in the file
   * @throws the system's own error; then none of them is kept
   */
  append(source: LogSource, drafts: readonly LogDraft[]): Promise<void> {
    return this.#inTurn(async () => {
      if (drafts.length === 0 || this.#closed) return;
      if (this.#open.segment.bytes >= this.#segmentBytes) await this.#rotate();
      const known = this.#knownOf(source);
      const texts: AppendedRecord[] = [];
      const number = known.number ?? this.#nextNumber++;
      if (known.number === null) texts.push(declared(known, number));
      let id = this.#end;
      for (const draft of drafts) {
        id++;
        texts.push({ text: lineText(id, number, draft), line: { id, at: draft.at } });
      }
      await this.#open.append(texts);
      known.number = number;
      for (const draft of drafts) if (draft.stream !== 'gap') known.window.note(draft);
      this.#end = id;
      for (const [wake, position] of this.#waiting) if (position <= id) wake();
    });
  }

  /** Lines behind a position: those of one block at most. */
  async read(after: number, passes?: (bytes: Buffer) => boolean): Promise<LogSlice> {
    const gap = after + 1 < this.begin;
    for (const segment of this.#segments()) {
      const blocks = await segment.blocks();
      if ((blocks.at(-1)?.lastId ?? 0) <= after) continue;
      const block = blocks.find(({ lastId }) => lastId > after);
      if (block === undefined) continue;
      const { lastId } = block;
      try {
        const lines = await segment.lines(block, passes);
        return { lines: lines.filter(({ id }) => id > after), next: lastId, gap };
      } catch (error) {
        if (isGone(error)) return { lines: [], next: after, gap: true };
        throw error;
      }
    }
    return { lines: [], next: Math.max(after, this.begin - 1), gap };
  }

  /** Blocks that begin before a position, the newest first. */
  async *blocksBefore(before: number): AsyncGenerator<PlacedBlock> {
    for (const segment of [...this.#segments()].reverse()) {
      if (segment.firstId >= before) continue;
      const blocks = await segment.blocks().catch((error: unknown) => {
        if (isGone(error)) return [];
        throw error;
      });
      for (let i = blocks.length - 1; i >= 0; i--) {
        const block = blocks[i];
        if (block !== undefined && block.firstId < before) yield { segment, block };
      }
    }
  }

  /** Resolves when there is a line behind the position, or when the signal aborts. */
  arrived(after: number, signal: AbortSignal): Promise<void> {
    if (this.#end > after || signal.aborted || this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.set(wake, after + 1);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  /** Lets go of segments that nothing was written to since the moment. @returns whether a line is left */
  sweep(sinceMs: number): Promise<boolean> {
    return this.#inTurn(async () => {
      for (const segment of [...this.#sealed]) {
        if ((await writtenAt(segment.path)) >= sinceMs) break;
        await this.#dropOldest();
      }
      const { segment } = this.#open;
      if (segment.bytes > 0 && (await writtenAt(segment.path)) < sinceMs) {
        await this.#rotate();
        await this.#dropOldest();
      }
      return this.#end >= this.begin;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const wake of [...this.#waiting.keys()]) wake();
    await this.#inTurn(() => this.#open.close());
  }

  *#segments(): Generator<Segment> {
    yield* this.#sealed;
    yield this.#open.segment;
  }

  #knownOf(of: LogSource): Known {
    const known = this.#known.get(of.container) ?? { of, window: new ResumeWindow(), number: null };
    this.#known.delete(of.container);
    this.#known.set(of.container, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > SOURCES_KEPT && oldest !== undefined) this.#known.delete(oldest);
    return known;
  }

  /** Begins a new segment, which says first how far every container was read. */
  async #rotate(): Promise<void> {
    const full = this.#open;
    const firstId = this.#end + 1;
    if (full.segment.firstId === firstId) return;
    const next = await OpenSegment.create(fileOf(this.#directory, firstId), firstId);
    const numbered = [...this.#known.values()].map((known, number) => ({ known, number }));
    try {
      await next.append(numbered.map(({ known, number }) => declared(known, number)));
    } catch (error) {
      await next.close();
      await rm(next.segment.path, { force: true });
      throw error;
    }
    for (const { known, number } of numbered) known.number = number;
    this.#nextNumber = numbered.length;
    this.#open = next;
    this.#sealed.push(full.segment);
    await full.segment.seal().catch(() => {}); // an index can be made again
    await full.close();
    while (this.#sealed.length > 0 && this.bytes > this.#keepBytes) await this.#dropOldest();
  }

  async #dropOldest(): Promise<void> {
    const oldest = this.#sealed.shift();
    if (oldest === undefined) return;
    await rm(oldest.path, { force: true });
    await rm(indexOf(oldest.path), { force: true });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => {});
    return done;
  }
}

function declared({ of, window }: Known, number: number): AppendedRecord {
  const source = { source: number, of, window: window.record() };
  return { text: sourceText(source), source };
}

function fileOf(directory: string, firstId: number): string {
  return path.join(directory, `${String(firstId).padStart(15, '0')}.log`);
}

async function writtenAt(file: string): Promise<number> {
  return (await stat(file)).mtimeMs;
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function byValue(a: number, b: number): number {
  return a - b;
}
