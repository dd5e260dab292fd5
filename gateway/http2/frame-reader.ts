/**
 * Cuts frames out of the octets of a connection (RFC 9113 4.1). The payload of DATA is handed on as it arrives; every
 * other frame comes whole, and only a frame that arrives in pieces is ever copied.
 */
import { FLAG, FRAME, FRAME_HEAD_BYTES, FRAME_MAX_BYTES, H2_ERROR, type H2Error } from './frame.ts';

/** Hears of frames. May stop the reader from within any call. */
export interface FrameSink {
  /** Nothing more is taken for now. */
  readonly isStopped: boolean;
  /** A frame begins; what it is stands in the reader. */
  onFrameStart(): void;
  /** A part of the payload of DATA, without padding. */
  onData(b: Buffer, start: number, end: number): void;
  /** DATA is complete; its payload had `bytes` of padding, with the octet that says so. */
  onDataEnd(paddingBytes: number): void;
  /** The payload of any other frame. */
  onFrame(b: Buffer, start: number, end: number): void;
  /** The connection cannot be read any further. */
  onFrameFault(code: H2Error): void;
}

export class FrameReader {
  readonly #sink: FrameSink;
  type = 0;
  flags = 0;
  streamId = 0;
  /** Of the payload. */
  length = 0;
  #inFrame = false;
  /** Payload still to come. */
  #left = 0;
  readonly #head = Buffer.allocUnsafeSlow(FRAME_HEAD_BYTES);
  #headBytes = 0;
  #payload: Buffer | null = null;
  /** Of DATA: padding with its length; -1 until that was read. */
  #padding = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Somewhere within a frame that is not DATA. */
  get isWithin(): boolean {
    return this.#headBytes > 0 || (this.#inFrame && this.type !== FRAME.data);
  }

  /** Reads `b[start, end)`. Returns where it stopped: before `end` only if the sink wanted that. */
  read(b: Buffer, start: number, end: number): number {
    const sink = this.#sink;
    let at = start;
    while (at < end && !sink.isStopped) {
      if (!this.#inFrame) at = this.#readHead(b, at, end);
      if (!this.#inFrame) continue;
      at = this.type === FRAME.data ? this.#readData(b, at, end) : this.#readPayload(b, at, end);
    }
    return at;
  }

  #readHead(b: Buffer, at: number, end: number): number {
    if (this.#headBytes === 0 && end - at >= FRAME_HEAD_BYTES) {
      this.#start(b, at);
      return at + FRAME_HEAD_BYTES;
    }
    const to = Math.min(end, at + FRAME_HEAD_BYTES - this.#headBytes);
    b.copy(this.#head, this.#headBytes, at, to);
    this.#headBytes += to - at;
    if (this.#headBytes === FRAME_HEAD_BYTES) {
      this.#headBytes = 0;
      this.#start(this.#head, 0);
    }
    return to;
  }

  #start(b: Buffer, at: number): void {
    this.length = b.readUIntBE(at, 3);
    this.type = b[at + 3] as number;
    this.flags = b[at + 4] as number;
    this.streamId = b.readUInt32BE(at + 5) & 0x7fffffff;
    if (this.length > FRAME_MAX_BYTES) {
      this.#sink.onFrameFault(H2_ERROR.frameSize);
      return;
    }
    this.#inFrame = true;
    this.#left = this.length;
    this.#padding = this.type === FRAME.data && (this.flags & FLAG.padded) !== 0 ? -1 : 0;
    this.#sink.onFrameStart();
  }

  #readPayload(b: Buffer, at: number, end: number): number {
    const { length } = this;
    if (this.#payload === null && end - at >= length) {
      this.#inFrame = false;
      this.#sink.onFrame(b, at, at + length);
      return at + length;
    }
    this.#payload ??= Buffer.allocUnsafe(length);
    const to = Math.min(end, at + this.#left);
    b.copy(this.#payload, length - this.#left, at, to);
    this.#left -= to - at;
    if (this.#left > 0) return to;
    const payload = this.#payload;
    this.#payload = null;
    this.#inFrame = false;
    this.#sink.onFrame(payload, 0, length);
    return to;
  }

  #readData(b: Buffer, start: number, end: number): number {
    let at = start;
    if (this.#padding < 0) {
      if (at >= end && this.length > 0) return at;
      this.#padding = this.length === 0 ? 1 : 1 + (b[at++] as number);
      this.#left--;
      if (this.#padding > this.length) {
        this.#sink.onFrameFault(H2_ERROR.protocol);
        return at;
      }
    }
    const to = Math.min(end, at + this.#left);
    const padding = this.#padding === 0 ? 0 : this.#padding - 1;
    const dataTo = Math.min(to, at + this.#left - padding);
    this.#left -= to - at;
    if (dataTo > at) this.#sink.onData(b, at, dataTo);
    if (this.#left > 0) return to;
    this.#inFrame = false;
    this.#sink.onDataEnd(this.#padding);
    return to;
  }
}
