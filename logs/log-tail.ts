/**
 * Lines of an app as they arrive, at the pace of who reads them: a slow reader reads from the files, and is told when
 * retention was faster than he.
 */
import type { LineTest } from './log-filter.ts';
import type { SetLine } from './log-page.ts';
import type { LogPosition } from './log-position.ts';
import type { LogSlice, SetLog } from './set-log.ts';

export interface TailedLine extends SetLine {
  /** Where to go on behind it. */
  readonly position: LogPosition;
}

export interface TailSlice {
  readonly lines: readonly TailedLine[];
  /** Lines before these are lost. */
  readonly gap: boolean;
  /** Something was read, be it only what does not pass. */
  readonly moved: boolean;
}

export class LogTail {
  readonly #logs: () => ReadonlyMap<string, Promise<SetLog>>;
  readonly #changed: (signal: AbortSignal) => Promise<void>;
  readonly #test: LineTest;
  readonly #position: Map<string, number>;

  /** @param changed resolves when there is a set more */
  constructor(options: {
    readonly logs: () => ReadonlyMap<string, Promise<SetLog>>;
    readonly changed: (signal: AbortSignal) => Promise<void>;
    readonly test: LineTest;
    readonly position: LogPosition;
  }) {
    this.#logs = options.logs;
    this.#changed = options.changed;
    this.#test = options.test;
    this.#position = new Map(options.position);
  }

  get position(): LogPosition {
    return this.#position;
  }

  /** What has arrived since, in parts; nothing when nothing has. */
  async read(): Promise<TailSlice> {
    const slices: { set: string; slice: LogSlice; lines: SetLine[] }[] = [];
    for (const [set, opening] of this.#logs()) {
      const log = await opening;
      let after = this.#position.get(set) ?? 0;
      // Positions of a log that began anew, behind its end, are those of lines that are gone.
      const isLost = after > log.end;
      if (isLost) after = 0;
      else if (after === log.end) continue;
      const slice = await log.read(after, this.#test.bytes);
      const lines = slice.lines.flatMap((line) => (this.#test.line(line) ? [{ ...line, set }] : []));
      slices.push({ set, slice: { ...slice, gap: slice.gap || isLost }, lines });
    }
    const lines: TailedLine[] = [];
    for (;;) {
      let best: SetLine[] | null = null;
      for (const one of slices) {
        const [first] = one.lines;
        if (first !== undefined && (best?.[0] === undefined || first.at < best[0].at)) best = one.lines;
      }
      const line = best?.shift();
      if (line === undefined) break;
      this.#position.set(line.set, line.id);
      lines.push({ ...line, position: new Map(this.#position) });
    }
    for (const { set, slice } of slices) this.#position.set(set, slice.next);
    return { lines, gap: slices.some(({ slice }) => slice.gap), moved: slices.length > 0 };
  }

  /** Resolves when there is something to read, or when the signal aborts. */
  async arrived(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const waits = Array.from(this.#logs(), async ([set, opening]) => {
      await (await opening).arrived(this.#position.get(set) ?? 0, either);
    });
    await Promise.race([...waits, this.#changed(either)]);
    over.abort();
  }
}
