/**
 * One benchmark at a time, on a machine that does nothing else: two at once measure each other. A second one is refused;
 * other work is waited for, and named in the result when it does not end.
 */
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isStillThere, listProcesses, type ProcessMark, processMark } from '../test/support/system-processes.ts';
import { busyShare, coreTimes } from './proc.ts';

const GENERATORS = new Set(['wrk', 'wrk2', 'h2load', 'ab', 'hey', 'k6', 'vegeta']);
const IDLE_SHARE = 0.95;
const LOOK_MS = 1000;
const PATIENCE_MS = 30_000;

/** Held while benchmarks run. */
export class LoneBenchmark implements Disposable {
  readonly #claim: string;

  /**
   * @param folder all benchmarks of a machine have to agree on it
   * @throws Error while another one runs
   */
  constructor(folder = tmpdir()) {
    this.#claim = path.join(folder, 'tidegate-load.claim');
    const own = `${this.#claim}.${process.pid}`;
    writeFileSync(own, JSON.stringify(processMark(process.pid)));
    try {
      this.#take(own);
    } finally {
      rmSync(own, { force: true });
    }
  }

  /**
   * Waits for the machine to be idle, half a minute at most. Returns how idle it was in the end, in words.
   * @throws Error when a load generator that is none of ours does not end either
   */
  async quiet(signal: AbortSignal): Promise<string> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const before = coreTimes();
      await sleep(LOOK_MS, undefined, { signal });
      const idle = 1 - busyShare(before, coreTimes());
      const generator = listProcesses().find((one) => GENERATORS.has(one.program));
      const percent = Math.round(idle * 100);
      if (idle >= IDLE_SHARE && generator === undefined) return `${percent} % idle before the start`;
      if (performance.now() < until) continue;
      if (generator !== undefined) {
        throw new Error(`${generator.program} runs (process ${generator.pid}): wait for its end`);
      }
      return `not idle: other work took ${100 - percent} % of it before the start`;
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#claim, { force: true });
  }

  #take(own: string): void {
    for (;;) {
      try {
        linkSync(own, this.#claim); // succeeds for one of us only, whoever comes first
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = readHolder(this.#claim);
      if (holder !== null && isStillThere(holder)) {
        throw new Error(`another benchmark runs (process ${holder.pid}): wait for its end`);
      }
      rmSync(this.#claim, { force: true });
    }
  }
}

/** Null: it has let go meanwhile. */
function readHolder(claim: string): ProcessMark | null {
  try {
    return JSON.parse(readFileSync(claim, 'utf8')) as ProcessMark;
  } catch {
    return null;
  }
}
