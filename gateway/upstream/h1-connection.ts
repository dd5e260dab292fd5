/**
 * One HTTP/1.1 connection to an upstream: a request at a time, answers read strictly. It serves again only after an
 * exchange that was complete in both directions; a connection that says anything unasked is dropped.
 *
 *   free ──send──▶ busy ──answer whole──▶ free | closed
 *                   └──101──▶ given away
 */
import type { Endpoint } from '#core/set';
import type { Upstream } from '#router/upstream';
import { Deadline } from '../deadlines.ts';
import { chunkLine, lastChunk } from '../http1/chunked.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import { UNSENT_MAX_BYTES, type Wire, type WireOwner } from '../transport/wire.ts';
import { AnswerReader, type AnswerSink } from './answer-reader.ts';
import type { AnswerHandler, CallFailure, OutgoingRequest, UpstreamCall } from './upstream-call.ts';

const NO_TRAILERS: readonly string[] = [];
/** Kept this long when the upstream does not say how long it will. */
const KEPT_MS = 30_000;
/** Given up this long before the upstream would close it. */
const KEPT_MARGIN_MS = 1000;

/** Whoever keeps connections between requests. */
export interface ConnectionKeeper {
  /** The connection may serve again. */
  onFree(connection: H1Connection): void;
  onClosed(connection: H1Connection): void;
  /** What was wrong with an answer, for the log. */
  onProtocolFault(connection: H1Connection, fault: string): void;
}

export interface H1ConnectionOptions {
  /** Connected already. */
  readonly wire: Wire;
  readonly upstream: Upstream;
  readonly endpoint: Endpoint;
  /** Name sent in the TLS handshake; null: not encrypted. */
  readonly servername: string | null;
  readonly keeper: ConnectionKeeper;
  /** Shared by all connections: a head is read within one call. */
  readonly scratch: ResponseHead;
}

export class H1Connection implements UpstreamCall, AnswerSink, WireOwner {
  readonly upstream: Upstream;
  readonly endpoint: Endpoint;
  readonly servername: string | null;
  /** Runs while the connection is kept; its keeper starts and stops it. */
  readonly keptDeadline: Deadline;
  /** How long it may be kept. */
  keptMs = KEPT_MS;
  /** Monotonic ms of the end of its last exchange. Written by its keeper. */
  freeSince = 0;
  wasKept = false;
  reached = false;
  readonly #wire: Wire;
  readonly #keeper: ConnectionKeeper;
  readonly #answer: AnswerReader;
  #handler: AnswerHandler | null = null;
  #chunked = false;
  #requestEnded = true;
  /** What leaves at the end of this turn: text, octets, text. */
  #before = '';
  #octets: Buffer | null = null;
  #after = '';
  #corked = false;
  /** The caller was told to wait. */
  #full = false;
  #answerPaused = false;
  #keepAlive = true;
  #dead = false;
  /** What came behind a 101 in the same read. */
  #rest: Buffer | null = null;

  constructor(options: H1ConnectionOptions) {
    this.upstream = options.upstream;
    this.endpoint = options.endpoint;
    this.servername = options.servername;
    this.#wire = options.wire;
    this.#keeper = options.keeper;
    this.#answer = new AnswerReader(options.scratch, this);
    this.keptDeadline = new Deadline(() => this.destroy());
    this.#wire.start(this);
  }

  /** Whether it is open and serves nothing. */
  get isFree(): boolean {
    return this.#handler === null && !this.#dead && this.#wire.isOpen;
  }

  // ---- the request

  send(request: OutgoingRequest, handler: AnswerHandler): void {
    this.#handler = handler;
    this.#answer.start(request);
    this.reached = false;
    this.#chunked = request.body === 'chunked';
    this.#requestEnded = request.body === 'none';
    // The head of a body waits for the first part of it, so that both leave in one write.
    if (this.#requestEnded) {
      this.#wire.write(request.head, null, '');
      this.#noteDelivery();
    } else {
      this.#before = request.head;
      this.#cork();
    }
  }

  write(chunk: Buffer): boolean {
    if (this.#requestEnded || chunk.length === 0) return true;
    this.#cork();
    if (this.#octets === null) {
      if (this.#chunked) this.#before += chunkLine(chunk.length);
      this.#octets = chunk;
    } else {
      const between = this.#chunked ? this.#after + chunkLine(chunk.length) : '';
      this.#octets = Buffer.concat([this.#octets, Buffer.from(between, 'latin1'), chunk]);
    }
    if (this.#chunked) this.#after = '\r\n';
    if (this.#octets.length >= UNSENT_MAX_BYTES) this.#full = true;
    return !this.#full;
  }

  endBody(trailers: readonly string[]): void {
    if (this.#requestEnded) return;
    this.#requestEnded = true;
    if (!this.#chunked) return;
    this.#cork();
    if (this.#octets === null) this.#before += lastChunk(trailers);
    else this.#after += lastChunk(trailers);
  }

  /**
   * Writes leave at the end of this turn of the event loop: after everything that can be read was read. An upstream that
   * answers early and closes is heard before a write to it fails and takes the unread answer with it.
   */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#corked = false;
    const ready = this.#wire.write(this.#before, this.#octets, this.#after);
    this.#before = this.#after = '';
    this.#octets = null;
    this.#noteDelivery();
    if (!ready) this.#full = true;
    else if (this.#full) this.onDrain();
  };

  /** A write that fails at once has delivered nothing: the other end had closed before. */
  #noteDelivery(): void {
    if (this.#wire.isOpen) this.reached = true;
  }

  onDrain(): void {
    this.#full = false;
    this.#handler?.onUpstreamDrain();
  }

  // ---- the answer

  pauseAnswer(): void {
    this.#answerPaused = true;
    this.#wire.pause();
  }

  resumeAnswer(): void {
    if (!this.#answerPaused) return;
    this.#answerPaused = false;
    this.#wire.resume();
  }

  takeWire(): Wire {
    this.#handler = null;
    this.#dead = true;
    this.#wire.detach(this.#rest);
    return this.#wire;
  }

  onInformational(head: ResponseHead): void {
    this.#handler?.onInformational(head);
  }

  onHead(head: ResponseHead, rest: Buffer | null): void {
    this.#rest = rest;
    this.#keepAlive = head.keepAlive;
    if (!this.wasKept && head.keepAlive) this.keptMs = keptMsOf(head.field('keep-alive'));
    this.#handler?.onAnswerHead(head);
  }

  onBody(chunk: Buffer, owned: boolean): void {
    this.#handler?.onAnswerBody(chunk, owned);
  }

  onWhole(trailers: readonly string[], surplus: boolean): void {
    const handler = this.#handler;
    const requestGone = this.#requestEnded && !this.#corked;
    this.#handler = null;
    if (requestGone && this.#keepAlive && !surplus) {
      this.wasKept = true;
      this.resumeAnswer();
      this.#keeper.onFree(this);
    } else this.destroy();
    handler?.onAnswerEnd(trailers);
  }

  onFault(fault: string): void {
    this.#keeper.onProtocolFault(this, fault);
    this.#fail('protocol');
  }

  // ---- ends

  cancel(): void {
    this.#handler = null;
    this.destroy();
  }

  destroy(): void {
    this.#dead = true;
    this.#answer.stop();
    this.#wire.destroy();
  }

  #fail(failure: CallFailure): void {
    const handler = this.#handler;
    this.#handler = null;
    this.destroy();
    handler?.onCallFailed(failure);
  }

  onOctets(b: Buffer, start: number, end: number): void {
    if (this.#answer.isReading) this.#answer.read(b, start, end, this.#wire.ownsReads);
    // Octets that no request asked for: whatever they are, they would be taken for the next answer.
    else this.destroy();
  }

  /** The upstream has said its last word. */
  onEnd(): void {
    if (!this.#answer.endsByClose) {
      this.#fail('closed');
      return;
    }
    this.#keepAlive = false;
    this.#answer.stop();
    this.onWhole(NO_TRAILERS, false);
  }

  onClosed(): void {
    this.#fail('closed');
    this.#keeper.onClosed(this);
  }
}

/** How long a connection may be kept, from a `Keep-Alive: timeout=5` of its first answer. */
function keptMsOf(keepAlive: string | undefined): number {
  const seconds = keepAlive === undefined ? null : /(?:^|[,\s])timeout=(\d{1,5})/i.exec(keepAlive);
  return seconds === null ? KEPT_MS : Math.min(KEPT_MS, Number(seconds[1]) * 1000 - KEPT_MARGIN_MS);
}
