/**
 * What leaves on one connection: frames written one behind the other into one buffer, which leaves as one write at the end
 * of the turn, or earlier when it is full. A frame that has not left can still be marked as the last of its stream.
 */
import { FLAG, FRAME, FRAME_HEAD_BYTES, type H2Error } from './frame.ts';

/** Several frames of full size, or the answers to a burst of requests. */
const BATCH_BYTES = 73_728;
/** Empty buffers that wait for a connection that writes. */
const SPARE_MAX = 16;

/** Buffers for batches, shared by the connections of a lane: only who writes in this turn has one. */
export class BatchPool {
  readonly #spare: Buffer[] = [];

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(BATCH_BYTES);
  }

  giveBack(batch: Buffer): void {
    if (this.#spare.length < SPARE_MAX) this.#spare.push(batch);
  }
}

export interface BatchSink {
  /** The first frame of a batch was begun: have it flushed at the end of this turn. */
  onBatchStart(): void;
  /** Takes the batch `b[0, end)`. True: the buffer may be used again. */
  onBatch(b: Buffer, end: number): boolean;
}

export class FrameWriter {
  readonly #pool: BatchPool;
  readonly #sink: BatchSink;
  #batch: Buffer | null = null;
  #at = 0;
  /** Counts batches: what was written in an earlier one has left. */
  batchNumber = 0;
  /** Where the last DATA frame stands in its batch. */
  lastDataAt = 0;

  constructor(pool: BatchPool, sink: BatchSink) {
    this.#pool = pool;
    this.#sink = sink;
  }

  /** Where the next frame begins. */
  get at(): number {
    return this.#at;
  }

  /** Makes room for a frame or several of `bytes` altogether. Write at `at`, then `advance`. */
  room(bytes: number): Buffer {
    if (this.#batch !== null && this.#at + bytes > this.#batch.length) this.flush();
    if (this.#batch === null) {
      this.#batch = bytes > BATCH_BYTES ? Buffer.allocUnsafeSlow(bytes) : this.#pool.take();
      this.#sink.onBatchStart();
    }
    return this.#batch;
  }

  advance(to: number): void {
    this.#at = to;
  }

  flush(): void {
    const batch = this.#batch;
    if (batch === null) return;
    const end = this.#at;
    this.#batch = null;
    this.#at = 0;
    this.batchNumber++;
    const reusable = end === 0 || this.#sink.onBatch(batch, end);
    if (reusable && batch.length === BATCH_BYTES) this.#pool.giveBack(batch);
  }

  /** Marks the frame at `at` of the present batch as the last of its stream. */
  markEnd(at: number): void {
    const batch = this.#batch;
    if (batch !== null) batch[at + 4] = (batch[at + 4] as number) | FLAG.endStream;
  }

  // ---- frames of one piece

  data(streamId: number, chunk: Buffer, from: number, to: number): void {
    const bytes = to - from;
    const b = this.room(FRAME_HEAD_BYTES + bytes);
    const at = this.#at;
    this.lastDataAt = at;
    frameHead(b, at, { length: bytes, type: FRAME.data, flags: 0, streamId });
    if (bytes > 0) chunk.copy(b, at + FRAME_HEAD_BYTES, from, to);
    this.#at = at + FRAME_HEAD_BYTES + bytes;
  }

  reset(streamId: number, code: H2Error): void {
    this.#word(FRAME.reset, streamId, code);
  }

  windowUpdate(streamId: number, bytes: number): void {
    this.#word(FRAME.windowUpdate, streamId, bytes);
  }

  settingsAck(): void {
    this.#plain({ length: 0, type: FRAME.settings, flags: FLAG.ack, streamId: 0 });
  }

  /** Settings as pairs of identifier and value. */
  settings(pairs: readonly (readonly [number, number])[]): void {
    const length = pairs.length * 6;
    let at = this.#plain({ length, type: FRAME.settings, flags: 0, streamId: 0 });
    const b = this.#batch as Buffer;
    for (const [id, value] of pairs) {
      b.writeUInt16BE(id, at);
      at = b.writeUInt32BE(value, at + 2);
    }
  }

  /** @param flags 0 or `ack`; the eight octets are `b[at, at + 8)` */
  ping(flags: number, octets: Buffer, from: number): void {
    const at = this.#plain({ length: 8, type: FRAME.ping, flags, streamId: 0 });
    octets.copy(this.#batch as Buffer, at, from, from + 8);
  }

  goAway(lastStreamId: number, code: H2Error): void {
    const at = this.#plain({ length: 8, type: FRAME.goAway, flags: 0, streamId: 0 });
    const b = this.#batch as Buffer;
    b.writeUInt32BE(lastStreamId, at);
    b.writeUInt32BE(code, at + 4);
  }

  #word(type: number, streamId: number, word: number): void {
    const at = this.#plain({ length: 4, type, flags: 0, streamId });
    (this.#batch as Buffer).writeUInt32BE(word, at);
  }

  /** Writes a frame head and passes over its payload. Returns where that starts. */
  #plain(head: FrameHead): number {
    const b = this.room(FRAME_HEAD_BYTES + head.length);
    const at = this.#at;
    frameHead(b, at, head);
    this.#at = at + FRAME_HEAD_BYTES + head.length;
    return at + FRAME_HEAD_BYTES;
  }
}

export interface FrameHead {
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
}

export function frameHead(b: Buffer, at: number, { length, type, flags, streamId }: FrameHead): void {
  b[at] = length >>> 16;
  b[at + 1] = (length >>> 8) & 0xff;
  b[at + 2] = length & 0xff;
  b[at + 3] = type;
  b[at + 4] = flags;
  b[at + 5] = (streamId >>> 24) & 0x7f;
  b[at + 6] = (streamId >>> 16) & 0xff;
  b[at + 7] = (streamId >>> 8) & 0xff;
  b[at + 8] = streamId & 0xff;
}
