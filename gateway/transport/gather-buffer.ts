/**
 * A buffer that a write is put together in. Views of it are kept by their length: writes of one application come in few
 * lengths, and making a view costs more than copying a kilobyte.
 */
import type { Latin1Buffer } from '../latin1-buffer.ts';
import { GATHER_MAX_BYTES } from './wire.ts';

/** Lengths that are kept; further ones are made anew. */
const VIEWS_MAX = 1024;

/** Up to this size a loop is done before a view of the source is made. */
const LOOP_MAX_BYTES = 512;

/** Buffers of each size that are kept. */
const KEPT_MAX = 32;

export class GatherBuffer {
  readonly bytes: number;
  readonly #octets: Latin1Buffer;
  readonly #views = new Map<number, Buffer>();

  constructor(bytes: number) {
    this.bytes = bytes;
    this.#octets = Buffer.allocUnsafeSlow(bytes) as Latin1Buffer;
  }

  /** Text (latin1), octets and text as one. Holds until the next call. */
  put(before: string, part: Uint8Array | null, after: string): Buffer {
    const octets = this.#octets;
    let end = before.length;
    if (end > 0) octets.latin1Write(before, 0);
    if (part !== null) {
      octets.set(part, end);
      end += part.length;
    }
    if (after !== '') octets.latin1Write(after, end);
    return this.#view(end + after.length);
  }

  /** `b[start, end)` alone. Holds until the next call. */
  part(b: Buffer, start: number, end: number): Buffer {
    const octets = this.#octets;
    const bytes = end - start;
    if (bytes <= LOOP_MAX_BYTES) for (let i = 0; i < bytes; i++) octets[i] = b[start + i] as number;
    else octets.set(start === 0 && end === b.length ? b : b.subarray(start, end));
    return this.#view(bytes);
  }

  #view(bytes: number): Buffer {
    let view = this.#views.get(bytes);
    if (view === undefined) {
      view = this.#octets.subarray(0, bytes);
      if (this.#views.size < VIEWS_MAX) this.#views.set(bytes, view);
    }
    return view;
  }
}

/** Buffers that come back when what was put together in them has left. */
export class GatherBuffers {
  readonly #largeBytes: number;
  readonly #small: GatherBuffer[] = [];
  readonly #large: GatherBuffer[] = [];

  /** @param largeBytes of the larger of the two sizes that are kept */
  constructor(largeBytes: number) {
    this.#largeBytes = largeBytes;
  }

  take(bytes: number): GatherBuffer {
    if (bytes <= GATHER_MAX_BYTES) return this.#small.pop() ?? new GatherBuffer(GATHER_MAX_BYTES);
    if (bytes <= this.#largeBytes) return this.#large.pop() ?? new GatherBuffer(this.#largeBytes);
    return new GatherBuffer(bytes);
  }

  giveBack(buffer: GatherBuffer): void {
    // One of another size was made for a single write.
    const { bytes } = buffer;
    const kept = bytes === GATHER_MAX_BYTES ? this.#small : bytes === this.#largeBytes ? this.#large : null;
    if (kept !== null && kept.length < KEPT_MAX) kept.push(buffer);
  }
}
