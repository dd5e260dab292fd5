/**
 * The progress of a pull, from the messages that the Engine sends (one JSON object a line, one layer each) to sums that
 * only grow.
 */
import type { PullProgress } from './host-engine.ts';

/** What a message says of its layer, as far as we read it. */
interface PullMessage {
  readonly id?: unknown;
  readonly status?: unknown;
  readonly error?: unknown;
  readonly progressDetail?: { readonly current?: unknown; readonly total?: unknown } | null;
}

interface Layer {
  total: number;
  done: number;
  whole: boolean;
}

const WHOLE: readonly unknown[] = ['Pull complete', 'Already exists'];
const LOADED = 'Download complete';
const LOADING = 'Downloading';
const FOUND: readonly unknown[] = ['Pulling fs layer', 'Waiting', LOADING, LOADED, 'Verifying Checksum', 'Extracting'];

export class PullTally {
  readonly #layers = new Map<string, Layer>();

  /** Takes a line; returns the Engine's words where it says that the pull failed. */
  take(line: string): string | null {
    const message = parsed(line);
    if (typeof message.error === 'string') return message.error;
    const { id, status } = message;
    if (typeof id !== 'string' || !(FOUND.includes(status) || WHOLE.includes(status))) return null;
    const layer = this.#layers.get(id) ?? { total: 0, done: 0, whole: false };
    this.#layers.set(id, layer);
    const { current, total } = message.progressDetail ?? {};
    if (status === LOADING && typeof current === 'number' && typeof total === 'number' && total > 0) {
      layer.total = total;
      layer.done = Math.max(layer.done, Math.min(current, total));
    }
    if (status === LOADED || WHOLE.includes(status)) layer.done = layer.total;
    if (WHOLE.includes(status)) layer.whole = true;
    return null;
  }

  get progress(): PullProgress {
    const layers = [...this.#layers.values()];
    const sum = (amount: (layer: Layer) => number): number => layers.reduce((all, one) => all + amount(one), 0);
    return {
      layers: { done: layers.filter(({ whole }) => whole).length, total: layers.length },
      bytes: { done: sum(({ done }) => done), total: sum(({ total }) => total) },
    };
  }
}

function parsed(line: string): PullMessage {
  try {
    const message: unknown = JSON.parse(line);
    return typeof message === 'object' && message !== null ? message : {};
  } catch {
    return {};
  }
}
