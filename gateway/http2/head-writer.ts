/**
 * Writes header blocks as HEADERS frames, and as CONTINUATION what one frame cannot hold. Blocks leave in the order in
 * which they are written: the other side's table depends on it.
 */
import { FLAG, FRAME, FRAME_HEAD_BYTES, FRAME_MAX_BYTES } from './frame.ts';
import { type FrameWriter, frameHead } from './frame-writer.ts';
import { fieldMaxBytes, HpackEncoder } from './hpack/encoder.ts';

/** A status and a change of the table's size. */
const OPENING_MAX_BYTES = 32;

/** One block at a time: `start`, then `status` and `field`, then `finish`. */
export class HeadWriter {
  readonly #writer: FrameWriter;
  readonly #encoder = new HpackEncoder();
  #b: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(writer: FrameWriter) {
    this.#writer = writer;
  }

  /** The other side allows a table of this size. */
  allowTable(maxBytes: number): void {
    this.#encoder.allow(maxBytes);
  }

  /** @param fieldBytes at least the sum of `fieldMaxBytes` of all fields to come */
  start(fieldBytes: number): void {
    const frames = Math.ceil((fieldBytes + OPENING_MAX_BYTES) / FRAME_MAX_BYTES);
    this.#b = this.#writer.room(fieldBytes + OPENING_MAX_BYTES + frames * FRAME_HEAD_BYTES);
    this.#at = this.#encoder.begin(this.#b, this.#writer.at + FRAME_HEAD_BYTES);
  }

  status(status: number): void {
    this.#at = this.#encoder.status(this.#b, this.#at, status);
  }

  /** Whatever the name was spelled like, it goes in lower case (RFC 9113 8.2). */
  field(name: string, value: string): void {
    this.#at = this.#encoder.field(this.#b, this.#at, name, value);
  }

  /** Returns where the HEADERS frame stands in its batch. */
  finish(streamId: number, flags: number): number {
    const start = this.#writer.at;
    const length = this.#at - start - FRAME_HEAD_BYTES;
    if (length > FRAME_MAX_BYTES) this.#split(streamId, flags);
    else {
      frameHead(this.#b, start, { length, type: FRAME.headers, flags: flags | FLAG.endHeaders, streamId });
      this.#writer.advance(this.#at);
    }
    return start;
  }

  #split(streamId: number, flags: number): void {
    const block = Buffer.from(this.#b.subarray(this.#writer.at + FRAME_HEAD_BYTES, this.#at));
    let at = this.#writer.at;
    for (let from = 0; from < block.length; from += FRAME_MAX_BYTES) {
      const length = Math.min(FRAME_MAX_BYTES, block.length - from);
      const type = from === 0 ? FRAME.headers : FRAME.continuation;
      const last = from + length === block.length ? FLAG.endHeaders : 0;
      frameHead(this.#b, at, { length, type, flags: (from === 0 ? flags : 0) | last, streamId });
      block.copy(this.#b, at + FRAME_HEAD_BYTES, from, from + length);
      at += FRAME_HEAD_BYTES + length;
    }
    this.#writer.advance(at);
  }
}

/** What a flat list of name, value, … takes at most. */
export function listMaxBytes(list: readonly string[]): number {
  let bytes = 0;
  for (let i = 0; i + 1 < list.length; i += 2) bytes += fieldMaxBytes(list[i] as string, list[i + 1] as string);
  return bytes;
}

/** What `count` field lines of `bytes` altogether take at most. */
export function linesMaxBytes(count: number, bytes: number): number {
  return bytes + count * fieldMaxBytes('', '');
}
