/**
 * Lines of several sets, from the newest back, merged by their times. A page reads a bounded part of the logs, however
 * rare what it looks for is: then it ends early and says where to go on.
 */
import type { LineTest } from './log-filter.ts';
import type { LogLine } from './log-line.ts';
import type { LogPosition } from './log-position.ts';
import type { PlacedBlock, SetLog } from './set-log.ts';

/** Read for one page at most. */
const PAGE_BYTES = 33_554_432;

export interface SetLine extends LogLine {
  readonly set: string;
}

export interface LogPage {
  /** Oldest first. */
  readonly lines: readonly SetLine[];
  /** Where the page before this one ends; null: there is nothing before. */
  readonly before: LogPosition | null;
}

export interface PageOptions {
  readonly logs: ReadonlyMap<string, SetLog>;
  readonly test: LineTest;
  readonly limit: number;
  /** Only lines before these positions; a set that is not named: all of it. */
  readonly before: LogPosition;
}

export async function readPage({ logs, test, limit, before }: PageOptions): Promise<LogPage> {
  const budget = { bytes: PAGE_BYTES };
  const scans = Array.from(logs, ([set, log]) => new Scan(set, log, before.get(set) ?? log.end + 1, test, budget));
  const lines: SetLine[] = [];
  while (lines.length < limit) {
    for (const scan of scans) await scan.fill();
    // Where one set cannot be read on, nobody knows what comes next.
    if (scans.some((scan) => scan.newest === undefined && !scan.ended)) break;
    let best: Scan | null = null;
    for (const scan of scans) {
      const { newest } = scan;
      if (newest !== undefined && (best?.newest === undefined || newest.at > best.newest.at)) best = scan;
    }
    if (best === null) break;
    lines.push(best.take());
  }
  const rest = scans.map(({ set, position }) => [set, position] as const);
  const isDone = scans.every((scan) => scan.ended && scan.newest === undefined);
  return { lines: lines.reverse(), before: isDone ? null : new Map(rest) };
}

/** Goes through the log of one set from a position back. */
class Scan {
  readonly set: string;
  readonly #test: LineTest;
  readonly #budget: { bytes: number };
  readonly #blocks: AsyncGenerator<PlacedBlock>;
  /** Lines that pass, oldest first. */
  #lines: LogLine[] = [];
  #before: number;
  ended = false;

  constructor(set: string, log: SetLog, before: number, test: LineTest, budget: { bytes: number }) {
    this.set = set;
    this.#test = test;
    this.#budget = budget;
    this.#before = before;
    this.#blocks = log.blocksBefore(before);
  }

  get newest(): LogLine | undefined {
    return this.#lines.at(-1);
  }

  /** Every line that was not taken is before it. */
  get position(): number {
    return this.newest === undefined ? this.#before : this.newest.id + 1;
  }

  /** Reads on until there is a line, or nothing to read, or the budget is spent. */
  async fill(): Promise<void> {
    while (this.#lines.length === 0 && !this.ended && this.#budget.bytes > 0) {
      const next = await this.#blocks.next();
      if (next.done === true) {
        this.ended = true;
        return;
      }
      const { segment, block } = next.value;
      const before = this.#before;
      this.#before = block.firstId;
      if (!this.#test.block(block)) continue;
      this.#budget.bytes -= block.end - block.offset;
      try {
        const lines = await segment.lines(block, this.#test.bytes);
        this.#lines = lines.filter((line) => line.id < before && this.#test.line(line));
      } catch (error) {
        // Retention was faster: it is as if nothing had been there.
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      }
    }
  }

  take(): SetLine {
    const line = this.#lines.pop();
    if (line === undefined) throw new Error('there is no line to take');
    this.#before = line.id;
    return { ...line, set: this.set };
  }
}
