/**
 * A call whose answer is compressed on its way to the client. It stands between the upstream's connection and the request
 * path, so that every lane, every deadline and every count sees the body as it leaves; nothing is kept of it but what the
 * encoder holds, and a client that is slow slows the upstream down.
 */
import type { Clock, Timer } from '#core/clock';
import type { Coding } from '#core/edge-policy';
import type { ResponseHead } from '../http1/response-head.ts';
import type { Wire } from '../transport/wire.ts';
import type { AnswerHandler, CallFailure, OutgoingRequest, UpstreamCall } from '../upstream/upstream-call.ts';
import { encodeHead, isWorthCoding } from './content-coding.ts';
import { type Encoder, type Encoders, flush } from './encoders.ts';

/** A body that pauses for that long is read by somebody who waits for it. */
const FLUSH_AFTER_MS = 20;
const NO_TRAILERS: readonly string[] = [];

export interface CompressionTools {
  readonly clock: Clock;
  readonly encoders: Encoders;
}

export class CompressedCall implements UpstreamCall, AnswerHandler {
  readonly #call: UpstreamCall;
  readonly #coding: Coding;
  readonly #tools: CompressionTools;
  #handler: AnswerHandler | null = null;
  /** Null: the answer goes on as it is. */
  #encoder: Encoder | null = null;
  #trailers: readonly string[] = NO_TRAILERS;
  /** The upstream has said all it will say. */
  #ended = false;
  #timer: Timer | null = null;
  /** Monotonic ms at which the encoder was given something last. */
  #writtenAt = 0;

  constructor(call: UpstreamCall, coding: Coding, tools: CompressionTools) {
    this.#call = call;
    this.#coding = coding;
    this.#tools = tools;
  }

  // ---- the call, as the request path sees it

  get wasKept(): boolean {
    return this.#call.wasKept;
  }

  get reached(): boolean {
    return this.#call.reached;
  }

  send(request: OutgoingRequest, handler: AnswerHandler): void {
    this.#handler = handler;
    this.#call.send(request, this);
  }

  write(chunk: Buffer): boolean {
    return this.#call.write(chunk);
  }

  endBody(trailers: readonly string[]): void {
    this.#call.endBody(trailers);
  }

  pauseAnswer(): void {
    if (this.#encoder === null) this.#call.pauseAnswer();
    else this.#encoder.pause();
  }

  resumeAnswer(): void {
    if (this.#encoder === null) this.#call.resumeAnswer();
    else this.#encoder.resume();
  }

  cancel(): void {
    this.#handler = null;
    this.#drop();
    if (!this.#ended) this.#call.cancel();
    this.#ended = true;
  }

  takeWire(): Wire {
    return this.#call.takeWire();
  }

  // ---- the answer, as the upstream gives it

  onInformational(head: ResponseHead): void {
    this.#handler?.onInformational(head);
  }

  onAnswerHead(head: ResponseHead): void {
    if (isWorthCoding(head)) {
      const encoder = this.#tools.encoders.take(this.#coding);
      if (encoder !== null && encodeHead(head, this.#coding)) this.#start(encoder);
      else if (encoder !== null) this.#tools.encoders.close(encoder);
    }
    this.#handler?.onAnswerHead(head);
  }

  onAnswerBody(chunk: Buffer, owned: boolean): void {
    const encoder = this.#encoder;
    if (encoder === null) {
      this.#handler?.onAnswerBody(chunk, owned);
      return;
    }
    this.#writtenAt = this.#tools.clock.now();
    this.#timer ??= this.#tools.clock.after(FLUSH_AFTER_MS, this.#onQuiet);
    if (!encoder.write(owned ? chunk : Buffer.from(chunk))) this.#call.pauseAnswer();
  }

  onAnswerEnd(trailers: readonly string[]): void {
    this.#ended = true;
    if (this.#encoder === null) {
      this.#finish(trailers);
      return;
    }
    this.#trailers = trailers;
    this.#timer?.cancel();
    this.#encoder.end();
  }

  onUpstreamDrain(): void {
    this.#handler?.onUpstreamDrain();
  }

  onCallFailed(failure: CallFailure): void {
    this.#ended = true;
    this.#drop();
    const handler = this.#handler;
    this.#handler = null;
    handler?.onCallFailed(failure);
  }

  // ---- the encoder

  #start(encoder: Encoder): void {
    this.#encoder = encoder;
    encoder.on('data', (chunk: Buffer) => this.#handler?.onAnswerBody(chunk, true));
    encoder.on('drain', () => {
      if (!this.#ended) this.#call.resumeAnswer();
    });
    encoder.on('end', () => {
      this.#drop();
      this.#finish(this.#trailers);
    });
    encoder.on('error', () => {
      const handler = this.#handler;
      this.cancel();
      handler?.onCallFailed('protocol');
    });
  }

  /** Nothing has come for a while, or some more has meanwhile. */
  readonly #onQuiet = (): void => {
    this.#timer = null;
    const encoder = this.#encoder;
    if (encoder === null || this.#ended) return;
    const quietMs = this.#tools.clock.now() - this.#writtenAt;
    if (quietMs >= FLUSH_AFTER_MS) flush(encoder, this.#coding);
    else this.#timer = this.#tools.clock.after(FLUSH_AFTER_MS - quietMs, this.#onQuiet);
  };

  /** Whoever heard the answer may be on to another request by the end of this call. */
  #finish(trailers: readonly string[]): void {
    const handler = this.#handler;
    this.#handler = null;
    handler?.onAnswerEnd(trailers);
  }

  #drop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#encoder !== null) this.#tools.encoders.close(this.#encoder);
    this.#encoder = null;
  }
}
