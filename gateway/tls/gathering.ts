/**
 * Puts text and octets together for one write. An encrypted handle takes what it is given within the call, so one buffer
 * serves all of them.
 */
import type { Latin1Buffer } from '../latin1-buffer.ts';
import { GatherBuffer } from '../transport/gather-buffer.ts';

/** Up to this size octets are put together with their head in the shared buffer. */
export const COPY_MAX_BYTES = 131_072;

let buffer: GatherBuffer | null = null;

/** As one; holds until the next call. Of up to COPY_MAX_BYTES together. */
export function gathered(before: string, octets: Buffer | null, after: string): Buffer {
  buffer ??= new GatherBuffer(COPY_MAX_BYTES);
  return buffer.put(before, octets, after);
}

/** What most turns write while one write is under way. */
const QUEUE_BYTES = 32_768;
/** Buffers kept for further queues. */
const QUEUES_MAX = 64;

const spare: Buffer[] = [];

/** What waits behind a write that is under way, put together to leave as one. Holds a buffer only while something waits. */
export class WriteQueue {
  #buffer: Buffer | null = null;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(before: string, octets: Buffer | null, after: string): void {
    const bytes = this.#bytes + before.length + (octets === null ? 0 : octets.length) + after.length;
    const into = this.#roomFor(bytes);
    if (before !== '') into.latin1Write(before, this.#bytes);
    if (octets !== null) into.set(octets, this.#bytes + before.length);
    if (after !== '') into.latin1Write(after, bytes - after.length);
    this.#bytes = bytes;
  }

  /** Empties the queue. What comes back holds until something is added to any queue. */
  take(): Buffer {
    const buffer = this.#buffer as Buffer;
    const all = buffer.subarray(0, this.#bytes);
    this.clear();
    return all;
  }

  clear(): void {
    const buffer = this.#buffer;
    this.#buffer = null;
    this.#bytes = 0;
    if (buffer !== null && buffer.length === QUEUE_BYTES && spare.length < QUEUES_MAX) spare.push(buffer);
  }

  #roomFor(bytes: number): Latin1Buffer {
    let buffer = this.#buffer;
    if (buffer === null || buffer.length < bytes) {
      const larger =
        bytes <= QUEUE_BYTES ? (spare.pop() ?? Buffer.allocUnsafeSlow(QUEUE_BYTES)) : Buffer.allocUnsafeSlow(bytes * 2);
      if (buffer !== null) {
        buffer.copy(larger, 0, 0, this.#bytes);
        if (buffer.length === QUEUE_BYTES && spare.length < QUEUES_MAX) spare.push(buffer);
      }
      buffer = larger;
      this.#buffer = buffer;
    }
    return buffer as Latin1Buffer;
  }
}
