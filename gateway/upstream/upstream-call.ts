/**
 * The port between the request path and a connection to an upstream, whatever that speaks: one request out, one answer
 * back, with back-pressure both ways. Called synchronously, allocates nothing per chunk.
 */
import type { ResponseHead } from '../http1/response-head.ts';
import type { Wire } from '../transport/wire.ts';

/**
 * `closed`: the connection was closed or reset. `protocol`: what came back is not valid HTTP.
 */
export type CallFailure = 'closed' | 'protocol';

/** Takes the answer. After `onAnswerEnd` or `onCallFailed` nothing more comes. */
export interface AnswerHandler {
  /** A 1xx other than 101. The head holds during the call only. */
  onInformational(head: ResponseHead): void;
  /** The answer starts. The head holds during the call only. */
  onAnswerHead(head: ResponseHead): void;
  /**
   * A part of the answer's body, without framing.
   * @param owned the octets stay as they are; otherwise they hold during the call only
   */
  onAnswerBody(chunk: Buffer, owned: boolean): void;
  onAnswerEnd(trailers: readonly string[]): void;
  /** The upstream takes more of the request body: what `write` returned false for has drained. */
  onUpstreamDrain(): void;
  /** No answer, or not all of it, will come. The call is over. */
  onCallFailed(failure: CallFailure): void;
}

/** A request head on its way out. */
export interface OutgoingRequest {
  /** The whole head as latin1 text. */
  readonly head: string;
  readonly isHead: boolean;
  readonly websocket: boolean;
  readonly body: 'none' | 'sized' | 'chunked';
  /** The head as an HTTP/2 field section, a flat list of name, value, …; null: the upstream does not speak that. */
  readonly h2: readonly string[] | null;
}

export interface UpstreamCall {
  /** The connection had served before this request: it may have been closed for its age alone. */
  readonly wasKept: boolean;
  /** Octets of this request may have been read by the upstream. */
  readonly reached: boolean;
  /** Starts the request. */
  send(request: OutgoingRequest, handler: AnswerHandler): void;
  /** Returns false when the upstream has enough for now: wait for `onUpstreamDrain`. */
  write(chunk: Buffer): boolean;
  /** Completes the request body. */
  endBody(trailers: readonly string[]): void;
  /** Holds the answer back, for a client that is slow. */
  pauseAnswer(): void;
  resumeAnswer(): void;
  /** Gives the request up; the handler hears nothing more. */
  cancel(): void;
  /** After a 101: hands the connection over, to be started anew. Octets that were read already come first. */
  takeWire(): Wire;
}
