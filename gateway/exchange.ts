/**
 * The port between a lane and the request path: one request and the place for its answer. A lane reads and writes the
 * client's wire; what happens to the request is decided behind this port, the same for every lane.
 *
 * Everything is called synchronously and nothing per chunk is allocated or scheduled. A lane calls its handler, the
 * handler calls back into the exchange, also from within a callback.
 */
import type { OwnAnswer } from './error-answer.ts';
import type { ResponseHead } from './http1/response-head.ts';
import type { ClientProof } from './tls/client-proof.ts';
import type { Wire } from './transport/wire.ts';

/** A client connection as far as requests on it have it in common. Made once per connection. */
export interface Peer {
  /** Address of the other end, IPv4 in its own form. */
  readonly address: string;
  /** A trusted proxy: what it says of the client is believed. */
  readonly trusted: boolean;
  /** The connection is encrypted. */
  readonly secure: boolean;
  /** What the gateway said it was in the TLS handshake: no other hostname is served. Absent without a handshake. */
  readonly certificate?: { covers(hostname: string): boolean };
  /** What it was asked to prove of itself in that handshake. Absent when it was asked nothing. */
  readonly proof?: ClientProof;
}

/** What the request path wants to hear of an exchange. After `onAbort` nothing more comes. */
export interface ExchangeHandler {
  /** A part of the body, without framing. The octets may be kept. */
  onBody(chunk: Buffer): void;
  /** The body is complete; trailers as a flat list of name, value, … */
  onBodyEnd(trailers: readonly string[]): void;
  /** The body breaks the rules of its framing: no more of it will come, an answer may still be given. */
  onBodyFault(): void;
  /** The client takes more of the answer: what `write` returned false for has drained. */
  onDrain(): void;
  /** The client is gone. */
  onAbort(): void;
}

export interface Exchange {
  readonly peer: Peer;
  /** Set by the request path before anything else happens. */
  handler: ExchangeHandler | null;
  /** Starts handing over the body, or goes on after `pauseBody`. Nothing is read from the client before. */
  readBody(): void;
  pauseBody(): void;

  /** Passes an informational answer on, if the client's version of HTTP has those. */
  inform(head: ResponseHead): void;
  /**
   * Starts the answer. Framing towards the client is the lane's business.
   * @param head holds during the call only
   * @param add further fields, a flat list of name, value, …
   */
  head(head: ResponseHead, add: readonly string[]): void;
  /**
   * Returns false when the client has enough for now: wait for `onDrain`.
   * @param owned the octets stay as they are; otherwise they hold during the call only
   */
  write(chunk: Buffer, owned: boolean): boolean;
  /** Completes the answer. */
  end(trailers: readonly string[]): void;
  /** Lets the connection take no further request: what it was opened with does not hold any more. */
  retire(): void;
  /** Answers with a whole answer of the gateway's own. The rest of the request body is not needed. */
  answer(answer: OwnAnswer): void;
  /** Breaks the answer off so that the client cannot take it for complete, or hangs up when there was none yet. */
  abort(): void;
  /**
   * Passes a 101 on and lets go of the connection: from here on it belongs to the caller, who starts it. Octets of the
   * client that were read already come first.
   */
  switchProtocols(head: ResponseHead, add: readonly string[]): Wire;
}
