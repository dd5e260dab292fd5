/**
 * The sending side of one connection. All that is written in one turn of the event loop leaves as one write; streams that
 * have more to send than they may take turns, a frame each; and a client that does not read is not read from either.
 */
import type { LaneClock, Turn } from '../fast-lane/lane-clock.ts';
import type { Wire } from '../transport/wire.ts';
import { FRAME_MAX_BYTES, INITIAL_WINDOW_BYTES, WINDOW_MAX_BYTES } from './frame.ts';
import { type BatchPool, type BatchSink, FrameWriter } from './frame-writer.ts';
import { HeadWriter } from './head-writer.ts';

/** Written for a client that takes nothing, before it is no longer read from. */
const OWED_MAX_BYTES = 65_536;
/** A piece of a message that is smaller was cut by a small window: no work to be paid for. */
const WORTHY_BYTES = 1024;

/** A stream that waits for its turn to send. */
export interface SendingStream {
  readonly id: number;
  sendWindow: number;
  /** Stands in the row; written by the sender. */
  isWaiting: boolean;
  /** Something is queued. */
  readonly hasQueued: boolean;
  /** Sends one frame of what is queued. */
  sendNext(): void;
}

export interface SenderOwner {
  /** Reading may go on, or has to stop. */
  onReading(stopped: boolean): void;
  /** Something was taken: the client is alive. */
  onProgress(): void;
}

export class Sender implements BatchSink, Turn {
  readonly writer: FrameWriter;
  readonly heads: HeadWriter;
  readonly #wire: Wire;
  readonly #clock: LaneClock;
  readonly #owner: SenderOwner;
  readonly #row: SendingStream[] = [];
  #windowBytes = INITIAL_WINDOW_BYTES;
  /** The wire takes no more for now. */
  #full = false;
  #owedBytes = 0;
  #stopped = false;
  #worthyFrames = 0;

  constructor(wire: Wire, clock: LaneClock, pool: BatchPool, owner: SenderOwner) {
    this.#wire = wire;
    this.#clock = clock;
    this.#owner = owner;
    this.writer = new FrameWriter(pool, this);
    this.heads = new HeadWriter(this.writer);
  }

  // ---- octets of messages

  /** Sends as much of `chunk` as may leave now. Returns how much that was. */
  send(stream: SendingStream, chunk: Buffer): number {
    let at = 0;
    if (this.#row.length > 0) return at;
    while (at < chunk.length) {
      const bytes = this.sendFrame(stream, chunk, at);
      if (bytes === 0) break;
      at += bytes;
    }
    return at;
  }

  /** Sends one frame from `chunk[at…]`, if anything may leave. Returns its octets. */
  sendFrame(stream: SendingStream, chunk: Buffer, at: number): number {
    if (this.#full) return 0;
    const left = chunk.length - at;
    const bytes = Math.min(left, FRAME_MAX_BYTES, this.#windowBytes, stream.sendWindow);
    if (bytes <= 0) return 0;
    this.writer.data(stream.id, chunk, at, at + bytes);
    this.#windowBytes -= bytes;
    stream.sendWindow -= bytes;
    if (bytes === left || bytes >= WORTHY_BYTES) this.#worthyFrames++;
    return bytes;
  }

  /** Puts a stream with something queued into the row, unless its own window is what it waits for. */
  enlist(stream: SendingStream): void {
    if (stream.isWaiting || stream.sendWindow <= 0) return;
    stream.isWaiting = true;
    this.#row.push(stream);
  }

  /** The window of the connection opens. False: beyond what a window can be. */
  open(bytes: number): boolean {
    this.#windowBytes += bytes;
    if (this.#windowBytes > WINDOW_MAX_BYTES) return false;
    this.advance();
    return true;
  }

  /** Lets the streams in the row send what may leave. */
  advance(): void {
    const row = this.#row;
    if (row.length === 0) return;
    while (row.length > 0 && !this.#full && this.#windowBytes > 0) {
      const stream = row.shift() as SendingStream;
      stream.isWaiting = false;
      if (!stream.hasQueued) continue;
      stream.sendNext();
      if (stream.hasQueued) this.enlist(stream);
    }
    this.#owner.onProgress();
  }

  /** Frames with a message in them that left since this was last asked. */
  takeWorthyFrames(): number {
    const count = this.#worthyFrames;
    this.#worthyFrames = 0;
    return count;
  }

  // ---- batches

  onBatchStart(): void {
    this.#clock.atTurnEnd(this);
  }

  onTurnEnd(): void {
    this.writer.flush();
  }

  onBatch(b: Buffer, end: number): boolean {
    const wire = this.#wire;
    const octets = b.subarray(0, end);
    if (this.#full) {
      this.#owedBytes += end;
      if (this.#owedBytes > OWED_MAX_BYTES) this.#stop(true);
    }
    // While something waits the wire has to copy anyway; otherwise it nearly always leaves at once, without a copy.
    const owned = !wire.hasUnsent;
    if (!wire.write('', octets, '', owned)) this.#full = true;
    return !owned || !wire.hasUnsent;
  }

  onDrain(): void {
    this.#full = false;
    this.#owedBytes = 0;
    this.advance();
    this.#stop(false);
  }

  #stop(stopped: boolean): void {
    if (this.#stopped === stopped) return;
    this.#stopped = stopped;
    this.#owner.onReading(stopped);
  }
}
