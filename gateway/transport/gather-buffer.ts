/**
 * A buffer that a write is put together in. Views of it are kept by their length: writes of one application come in few
 * lengths, and making a view costs more than copying a kilobyte.
 */

/** Lengths that are kept; further ones are made anew. */
const VIEWS_MAX = 1024;

/** Up to this size a loop is done before a view of the source is made. */
const LOOP_MAX_BYTES = 512;

/** The call beneath Buffer's own method, which checks what is known here. */
interface Latin1Buffer extends Buffer {
  latin1Write(text: string, offset: number): number;
}

export class GatherBuffer {
  readonly bytes: number;
  readonly #octets: Latin1Buffer;
  readonly #views = new Map<number, Buffer>();

  constructor(bytes: number) {
    this.bytes = bytes;
    this.#octets = Buffer.allocUnsafeSlow(bytes) as Latin1Buffer;
  }

  /** Text (latin1), octets and text as one. Holds until the next call. */
  put(before: string, part: Uint8Array, after: string): Buffer {
    const octets = this.#octets;
    const { length } = part;
    let end = before.length;
    if (end > 0) octets.latin1Write(before, 0);
    octets.set(part, end);
    end += length;
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
