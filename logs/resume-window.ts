/**
 * Where to take up a container's output after a break, so that nothing is lost and nothing doubled. The Engine is asked
 * for everything since a moment a few lines back, because lines of stdout and stderr may be out of order of time by a
 * little; what was kept already is told by time, stream and text.
 */
import type { LogDraft } from './log-line.ts';

/** Lines told apart when the output is taken up again. */
const KEYS_KEPT = 64;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

type Line = Pick<LogDraft, 'at' | 'stream' | 'text'>;

/** A window as plain JSON. */
export interface WindowRecord {
  /** Lines up to here are known to be kept. */
  readonly passed: string | null;
  readonly keys: readonly string[];
}

export class ResumeWindow {
  /** Oldest first; each begins with the time of its line. */
  readonly #keys: string[];
  #passed: string | null;

  constructor({ passed, keys }: WindowRecord = { passed: null, keys: [] }) {
    this.#passed = passed;
    this.#keys = [...keys];
  }

  /** The line is kept. */
  note(line: Line): void {
    this.#keys.push(keyOf(line));
    if (this.#keys.length <= KEYS_KEPT) return;
    const passed = timeOf(this.#keys.shift() ?? '');
    if (this.#passed === null || passed > this.#passed) this.#passed = passed;
  }

  /** Forgets what was before the moment: what is older is not wanted any more. */
  skipTo(at: string): void {
    this.#keys.length = 0;
    this.#passed = at;
  }

  /** The moment to ask for, or null: everything. */
  get since(): string | null {
    const passed = this.#passed;
    if (passed === null) return null;
    let first: string | null = null;
    for (const key of this.#keys) {
      const at = timeOf(key);
      if (at > passed && (first === null || at < first)) first = at;
    }
    return first ?? after(passed);
  }

  /** Tells lines that were kept before the break from those that are new. */
  replay(): (line: Line) => boolean {
    const since = this.since;
    const kept = new Map<string, number>();
    for (const key of this.#keys) kept.set(key, (kept.get(key) ?? 0) + 1);
    return (line) => {
      if (since !== null && line.at < since) return false;
      if (kept.size === 0) return true;
      const key = keyOf(line);
      const count = kept.get(key) ?? 0;
      if (count > 1) kept.set(key, count - 1);
      else if (count === 1) kept.delete(key);
      return count === 0;
    };
  }

  record(): WindowRecord {
    return { passed: this.#passed, keys: [...this.#keys] };
  }
}

function keyOf({ at, stream, text }: Line): string {
  let hash = FNV_OFFSET;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return `${at} ${stream} ${text.length.toString(36)} ${(hash >>> 0).toString(36)}`;
}

function timeOf(key: string): string {
  return key.slice(0, key.indexOf(' '));
}

/** A nanosecond later. */
function after(at: string): string {
  const [seconds = '', fraction = ''] = at.slice(0, -1).split('.');
  const next = Number(fraction) + 1;
  if (next < 1e9) return `${seconds}.${String(next).padStart(9, '0')}Z`;
  return `${new Date(Date.parse(`${seconds}Z`) + 1000).toISOString().slice(0, 19)}.000000000Z`;
}
