/**
 * One HTTP/2 stream as an exchange: the body of the request as far as it is wanted, the answer as far as it may leave.
 *
 *   open ──head──▶ started ──end──▶ ending ──last octet left──▶ over
 *     │                                         └─ tunnel ─▶ sent ──its client has ended──▶ over
 *     └──answer, abort, reset by the client─────────────────────▶ over
 */
import type { OwnAnswer } from '../error-answer.ts';
import type { Exchange, ExchangeHandler, Peer } from '../exchange.ts';
import { FRAMING } from '../http1/framing.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { Wire } from '../transport/wire.ts';
import { writeAnswerHead, writeOwnHead, writeTrailers } from './answer-heads.ts';
import { H2_ERROR, type H2Error } from './frame.ts';
import { RequestBody } from './request-body.ts';
import type { SendingStream } from './sender.ts';
import type { StreamHome } from './stream-home.ts';
import { StreamWire } from './stream-wire.ts';

const NOTHING: readonly string[] = [];

export interface StreamOptions {
  readonly id: number;
  readonly home: StreamHome;
  readonly sendWindow: number;
}

export class Http2Stream implements Exchange, SendingStream {
  readonly id: number;
  readonly peer: Peer;
  readonly body: RequestBody;
  handler: ExchangeHandler | null = null;
  sendWindow: number;
  isWaiting = false;
  readonly #home: StreamHome;
  #state: 'open' | 'started' | 'ending' | 'sent' | 'over' = 'open';
  /** Told once that nothing more will be asked of this stream. */
  #settled = false;
  #isHead = false;
  /** No body of the answer follows its head. */
  #bodiless = false;
  /** What the request did wrong; said when the stream is reset. */
  #fault: H2Error = H2_ERROR.none;
  #queue: Buffer[] = [];
  #trailers: readonly string[] = NOTHING;
  /** The last frame written, and the batch it stands in. */
  #frameAt = 0;
  #frameBatch = -1;
  #tunnel: StreamWire | null = null;
  /** Asked by the gateway itself for a WebSocket, whose answer has to carry this; '' otherwise. */
  acceptKey = '';

  constructor({ id, home, sendWindow }: StreamOptions) {
    this.id = id;
    this.peer = home.peer;
    this.sendWindow = sendWindow;
    this.#home = home;
    this.body = new RequestBody(this, home);
  }

  get hasQueued(): boolean {
    return this.#queue.length > 0;
  }

  /** The client still waits for its answer. */
  get isUnanswered(): boolean {
    return this.#state === 'open' || (this.#state === 'started' && this.#tunnel === null);
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** What is known of the request. */
  begin(request: { readonly isHead: boolean; readonly fault: H2Error }): void {
    this.#isHead = request.isHead;
    this.#fault = request.fault;
  }

  // ---- the request body

  readBody(): void {
    this.body.flow();
  }

  pauseBody(): void {
    this.body.pause();
  }

  /** The request breaks a rule after its head: what can still be answered is. */
  onFault(): void {
    if (this.#state === 'over' || this.#fault !== H2_ERROR.none) return;
    this.#fault = H2_ERROR.protocol;
    this.body.stop();
    if (this.#tunnel !== null || this.#settled || this.handler === null) this.abort();
    else this.handler.onBodyFault();
  }

  // ---- the answer

  inform(head: ResponseHead): void {
    if (this.#state !== 'open') return;
    writeAnswerHead(this.#home.sender.heads, head, { streamId: this.id, add: NOTHING, date: '' });
  }

  head(head: ResponseHead, add: readonly string[]): void {
    if (this.#state !== 'open') return;
    this.#state = 'started';
    this.#bodiless = this.#isHead || head.framing === FRAMING.none;
    const date = head.hasDate ? '' : this.#home.date;
    this.#noteFrame(writeAnswerHead(this.#home.sender.heads, head, { streamId: this.id, add, date }));
  }

  write(chunk: Buffer, owned: boolean): boolean {
    if (this.#state !== 'started' || this.#bodiless || chunk.length === 0) return true;
    return this.#send(chunk, owned);
  }

  end(trailers: readonly string[]): void {
    if (this.#state !== 'started') return;
    this.#state = 'ending';
    this.#trailers = trailers;
    if (this.#tunnel === null) this.#settle();
    if (this.#queue.length === 0) this.#complete();
  }

  retire(): void {
    this.#home.drain();
  }

  answer(answer: OwnAnswer): void {
    if (this.#state !== 'open') return;
    this.#state = 'started';
    const { sender, date } = this.#home;
    this.#noteFrame(writeOwnHead(sender.heads, answer, { streamId: this.id, add: NOTHING, date }));
    if (!this.#isHead && answer.body.length > 0) this.#send(answer.body, true);
    this.end(NOTHING);
  }

  abort(): void {
    this.cut(this.#fault === H2_ERROR.none ? H2_ERROR.internal : this.#fault);
  }

  /** Resets the stream. Its handler hears nothing of it. */
  cut(code: H2Error): void {
    if (this.#state === 'over') return;
    this.#home.reset(this.id, code);
    this.#close();
  }

  switchProtocols(head: ResponseHead, add: readonly string[]): Wire {
    const tunnel = new StreamWire(this, this.#home.clock);
    if (head.field('sec-websocket-accept') === this.acceptKey) {
      this.#tunnel = tunnel;
      this.handler = tunnel;
      this.head(head, add);
      this.#bodiless = false;
    } else {
      // Whatever the upstream answered, it was not this question (RFC 6455 4.1).
      this.answer(this.#home.path.refuseUnread(this.peer, 'upstream_protocol'));
      tunnel.close();
    }
    return tunnel;
  }

  /** The client of a tunnel has sent all it will. */
  onTunnelEnd(): void {
    if (this.#state === 'sent') this.#close();
  }

  // ---- how the answer leaves

  #noteFrame(at: number): void {
    this.#frameAt = at;
    this.#frameBatch = this.#home.sender.writer.batchNumber;
  }

  #send(chunk: Buffer, owned: boolean): boolean {
    const { sender } = this.#home;
    let sent = 0;
    if (this.#queue.length === 0) {
      sent = sender.send(this, chunk);
      if (sent > 0) this.#noteData();
      if (sent === chunk.length) return true;
    }
    const rest = sent === 0 ? chunk : chunk.subarray(sent);
    this.#queue.push(owned ? rest : Buffer.from(rest));
    sender.enlist(this);
    return false;
  }

  #noteData(): void {
    const { writer } = this.#home.sender;
    this.#frameAt = writer.lastDataAt;
    this.#frameBatch = writer.batchNumber;
  }

  sendNext(): void {
    const queue = this.#queue;
    const chunk = queue[0];
    if (chunk === undefined) return;
    const sent = this.#home.sender.sendFrame(this, chunk, 0);
    if (sent === 0) return;
    this.#noteData();
    if (sent < chunk.length) queue[0] = chunk.subarray(sent);
    else queue.shift();
    if (queue.length > 0) return;
    if (this.#state === 'ending') this.#complete();
    else this.handler?.onDrain();
  }

  /** All of the answer was written but its end. */
  #complete(): void {
    const { writer, heads } = this.#home.sender;
    if (this.#trailers.length > 0) writeTrailers(heads, this.id, this.#trailers);
    else {
      if (this.#frameBatch !== writer.batchNumber) {
        writer.data(this.id, EMPTY, 0, 0);
        this.#noteData();
      }
      writer.markEnd(this.#frameAt);
    }
    if (this.#tunnel !== null) {
      if (this.body.isDelivered) this.#close();
      else this.#state = 'sent';
      return;
    }
    // The rest of the request is not needed (RFC 9113 8.1), or was never proper.
    if (this.#fault !== H2_ERROR.none || !this.body.isEnded) this.#home.reset(this.id, this.#fault);
    this.#close();
  }

  // ---- ends

  /** The client has reset the stream, or is gone. */
  onGone(): void {
    if (this.#state === 'over') return;
    const { handler } = this;
    this.#close();
    handler?.onAbort();
  }

  /** The client broke a rule that ends the stream. */
  onBroken(code: H2Error): void {
    if (this.#state === 'over') return;
    const { handler } = this;
    this.cut(code);
    handler?.onAbort();
  }

  #close(): void {
    this.#state = 'over';
    this.#queue = [];
    this.body.stop();
    this.#settle();
    this.#tunnel?.close();
    this.#home.onStreamClosed(this);
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#home.onStreamSettled();
  }
}

const EMPTY = Buffer.alloc(0);
