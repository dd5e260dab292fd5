/**
 * One request on an HTTP/2 stream to an upstream (`proto=h2c`). Its answer is judged by the same strict reading as every
 * other, and a stream that ends before its message is a cut, never an end.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2';
import { TidegateError } from '#core/errors';
import { readRawTrailers } from '../http1/field-list.ts';
import { readH2Response } from '../http1/h2-heads.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { Wire } from '../transport/wire.ts';
import type { AnswerHandler, CallFailure, OutgoingRequest, UpstreamCall } from './upstream-call.ts';

const { NGHTTP2_CANCEL, NGHTTP2_FLAG_END_STREAM, NGHTTP2_REFUSED_STREAM, NGHTTP2_NO_ERROR } = constants;
/** Codes by which one side says that the other does not speak HTTP/2 as it should (RFC 9113 7). */
const PROTOCOL_CODES: ReadonlySet<number> = new Set([
  constants.NGHTTP2_PROTOCOL_ERROR,
  constants.NGHTTP2_FLOW_CONTROL_ERROR,
  constants.NGHTTP2_STREAM_CLOSED,
  constants.NGHTTP2_FRAME_SIZE_ERROR,
  constants.NGHTTP2_COMPRESSION_ERROR,
]);

export interface H2cCallOptions {
  readonly session: ClientHttp2Session;
  /** The session has served before, and is taken because of that. */
  readonly isKept: boolean;
  /** Shared: a head is read within one call. */
  readonly scratch: ResponseHead;
  readonly onFault: (fault: string) => void;
  readonly onOver: () => void;
}

export class H2cCall implements UpstreamCall {
  wasKept = false;
  reached = false;
  readonly #options: H2cCallOptions;
  #stream: ClientHttp2Stream | null = null;
  #handler: AnswerHandler | null = null;
  #request: OutgoingRequest | null = null;
  #headed = false;
  #requestEnded = true;
  #requestTrailers: readonly string[] = [];
  #trailers: readonly string[] = [];
  #invalid = false;

  constructor(options: H2cCallOptions) {
    this.#options = options;
  }

  // ---- the request

  send(request: OutgoingRequest, handler: AnswerHandler): void {
    const { session, onOver } = this.#options;
    this.#handler = handler;
    this.#request = request;
    this.#requestEnded = request.body === 'none';
    const options = { endStream: this.#requestEnded, waitForTrailers: request.body === 'chunked' };
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(request.h2 ?? [], options);
    } catch {
      // The session ended between the choice and now.
      setImmediate(() => this.#onClose(NGHTTP2_REFUSED_STREAM));
      return;
    }
    this.#stream = stream;
    this.reached = true;
    stream.on('headers', (_fields, flags, list) => this.#readHead(list, flags));
    stream.on('response', (_fields, flags, list) => this.#readHead(list, flags));
    stream.on('trailers', (_fields, _flags, list) => this.#readTrailers(list));
    stream.on('data', (chunk: Buffer) => this.#handler?.onAnswerBody(chunk, true));
    stream.on('drain', () => this.#handler?.onUpstreamDrain());
    stream.on('wantTrailers', () => stream.sendTrailers(fieldsOf(this.#requestTrailers)));
    stream.on('end', () => this.#onEnd());
    stream.on('error', () => {});
    stream.on('close', () => {
      this.#onClose(stream.rstCode ?? NGHTTP2_NO_ERROR);
      onOver();
    });
  }

  write(chunk: Buffer): boolean {
    if (this.#requestEnded || chunk.length === 0) return true;
    return this.#stream?.write(chunk) ?? true;
  }

  endBody(trailers: readonly string[]): void {
    if (this.#requestEnded) return;
    this.#requestEnded = true;
    this.#requestTrailers = trailers;
    this.#stream?.end();
  }

  // ---- the answer

  pauseAnswer(): void {
    this.#stream?.pause();
  }

  resumeAnswer(): void {
    this.#stream?.resume();
  }

  takeWire(): Wire {
    throw new TidegateError('upstream.protocol', 'HTTP/2 streams are not switched to other protocols');
  }

  #readHead(list: readonly string[], flags: number): void {
    const handler = this.#handler;
    const request = this.#request;
    const head = this.#options.scratch;
    if (handler === null || request === null || this.#headed) return;
    const ended = (flags & NGHTTP2_FLAG_END_STREAM) !== 0;
    if (readH2Response(head, list, request, ended) !== 'complete') {
      this.#refuse(head.fault);
    } else if (head.informational) handler.onInformational(head);
    else {
      this.#headed = true;
      handler.onAnswerHead(head);
    }
  }

  #readTrailers(list: readonly string[]): void {
    const trailers = readRawTrailers(list);
    if (trailers === null) this.#refuse('trailer-invalid');
    else this.#trailers = trailers;
  }

  #refuse(fault: string): void {
    this.#invalid = true;
    this.#options.onFault(fault);
    this.#stream?.close(NGHTTP2_CANCEL);
  }

  #onEnd(): void {
    const handler = this.#handler;
    // Node ends what it can still read of a stream whose session was lost: that is no end of the message.
    if (handler === null || !this.#headed || this.#invalid || this.#stream?.destroyed === true) return;
    this.#handler = null;
    // Answered before the end of the request: the rest of that is not wanted.
    if (!this.#requestEnded) this.#stream?.close(NGHTTP2_CANCEL);
    handler.onAnswerEnd(this.#trailers);
  }

  // ---- ends

  cancel(): void {
    this.#handler = null;
    this.#stream?.close(NGHTTP2_CANCEL);
  }

  #onClose(code: number): void {
    const handler = this.#handler;
    this.#handler = null;
    if (code === NGHTTP2_REFUSED_STREAM) this.reached = false;
    this.wasKept = this.#options.isKept && this.#options.session.destroyed;
    handler?.onCallFailed(this.#failure(code));
  }

  #failure(code: number): CallFailure {
    return this.#invalid || PROTOCOL_CODES.has(code) ? 'protocol' : 'closed';
  }
}

function fieldsOf(list: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let i = 0; i + 1 < list.length; i += 2) fields[(list[i] ?? '').toLowerCase()] = list[i + 1] ?? '';
  return fields;
}
