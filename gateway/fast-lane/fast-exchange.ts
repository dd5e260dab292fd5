/**
 * The exchange of the fast lane: frames the answer for the client's version of HTTP and puts its head, the first part of
 * its body and what separates them into one write. One per connection, used again for every request on it.
 */
import { STATUS_CODES } from 'node:http';
import type { OwnAnswer } from '../error-answer.ts';
import type { Exchange, ExchangeHandler, Peer } from '../exchange.ts';
import { chunkLine, lastChunk } from '../http1/chunked.ts';
import { FRAMING } from '../http1/framing.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import {
  OUTGOING,
  type Outgoing,
  outgoingFor,
  type ResponseEdits,
  writeResponseHead,
} from '../http1/write-response.ts';
import type { Wire } from '../transport/wire.ts';
import type { LaneClock, Turn } from './lane-clock.ts';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
/** A rest of a body up to this size is read for the sake of the connection; a larger one costs it. */
const UNREAD_MAX_BYTES = 65_536;
const TRAILER = new Set(['trailer']);

/** The connection, as far as an answer on it is concerned. */
export interface ExchangeSeat {
  readonly wire: Wire;
  readonly peer: Peer;
  readonly clock: LaneClock;
  /** No further request is taken. */
  readonly isDraining: boolean;
  /** What is still to come of the request body; infinite when that is not known. */
  readonly bodyBytesLeft: number;
  readBody(): void;
  pauseBody(): void;
  write(before: string, octets: Buffer | null, after: string, owned?: boolean): boolean;
  /** Everything of the answer has been written. */
  onAnswered(closes: boolean): void;
  takeWire(): Wire;
}

export class FastExchange implements Exchange, Turn {
  handler: ExchangeHandler | null = null;
  readonly peer: Peer;
  readonly #seat: ExchangeSeat;
  readonly #edits: Editable = { outgoing: OUTGOING.same, connection: '', date: '', remove: null, add: '' };
  /** A head that waits for the first part of its body. */
  #pending = '';
  #state: 'open' | 'started' | 'over' = 'over';
  #outgoing: Outgoing = OUTGOING.same;
  #chunked = false;
  #closes = false;
  #minor: 0 | 1 = 1;
  #isHead = false;
  #keepAlive = true;
  /** The client has said that it sends nothing after this request, which has no body. */
  isLast = false;
  /** The client waits to be told to send its body. */
  #awaits100 = false;

  constructor(seat: ExchangeSeat) {
    this.#seat = seat;
    this.peer = seat.peer;
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** @param sound the request can be told from what follows it */
  begin(head: RequestHead, sound: boolean): void {
    this.handler = null;
    this.#state = 'open';
    this.#pending = '';
    this.#closes = false;
    this.#minor = sound ? head.minor : 1;
    this.#isHead = head.method === 'HEAD';
    this.#keepAlive = sound && head.keepAlive;
    this.isLast = sound && !head.keepAlive && head.framing === FRAMING.none;
    this.#awaits100 = sound && head.expect100;
  }

  /** Nothing of the answer can be written any more. */
  stop(): void {
    this.#state = 'over';
    this.#pending = '';
  }

  // ---- the request body

  readBody(): void {
    this.#seat.readBody();
  }

  pauseBody(): void {
    this.#seat.pauseBody();
  }

  // ---- the answer

  inform(head: ResponseHead): void {
    if (this.#minor === 0 || this.#state !== 'open') return;
    if (head.status === 100) {
      this.#awaits100 = false;
      this.#seat.write(CONTINUE, null, '');
    } else this.#seat.write(this.#write(head, OUTGOING.same, []), null, '');
  }

  head(head: ResponseHead, add: readonly string[]): void {
    if (this.#state !== 'open') return;
    this.#state = 'started';
    const outgoing = outgoingFor(head, this.#minor);
    this.#outgoing = outgoing;
    this.#chunked = outgoing === OUTGOING.chunked || (outgoing === OUTGOING.same && head.framing === FRAMING.chunked);
    if (head.framing === FRAMING.none) this.#chunked = false;
    // What the client has still to send is not waited for once it has its answer.
    const { isDraining, bodyBytesLeft } = this.#seat;
    this.#closes = outgoing === OUTGOING.close || !this.#keepAlive || isDraining || bodyBytesLeft > 0;
    this.#pending = this.#write(head, outgoing, add);
    this.#seat.clock.atTurnEnd(this);
  }

  write(chunk: Buffer, owned: boolean): boolean {
    if (this.#state !== 'started' || chunk.length === 0) return true;
    const before = this.#pending;
    this.#pending = '';
    if (!this.#chunked) return this.#seat.write(before, chunk, '', owned);
    return this.#seat.write(before + chunkLine(chunk.length), chunk, '\r\n', owned);
  }

  /** Sends a head that no body followed at once: the client of a stream waits for it. */
  onTurnEnd(): void {
    const head = this.#pending;
    if (head === '' || this.#state !== 'started') return;
    this.#pending = '';
    this.#seat.write(head, null, '');
  }

  end(trailers: readonly string[]): void {
    if (this.#state !== 'started') return;
    const last = this.#chunked ? this.#pending + lastChunk(trailers) : this.#pending;
    if (last !== '') this.#seat.write(last, null, '');
    this.stop();
    this.#seat.onAnswered(this.#closes);
  }

  retire(): void {
    this.#keepAlive = false;
  }

  answer(answer: OwnAnswer): void {
    if (this.#state !== 'open') return;
    const seat = this.#seat;
    const unread = this.#awaits100 ? seat.bodyBytesLeft > 0 : seat.bodyBytesLeft > UNREAD_MAX_BYTES;
    // Who hears 408 has stopped in the middle of a message.
    const closes = !this.#keepAlive || seat.isDraining || unread || (answer.status === 408 && seat.bodyBytesLeft > 0);
    this.stop();
    const connection = closes ? 'close' : this.#minor === 0 ? 'keep-alive' : '';
    writeOwn(seat, answer, { date: seat.clock.dateLine, connection, bodiless: this.#isHead });
    seat.onAnswered(closes);
  }

  abort(): void {
    if (this.#state === 'over') return;
    const cutByClose = this.#state === 'started' && this.#outgoing === OUTGOING.close;
    // What was said of the answer is sent even so, as it would have been without the wait for its body.
    this.onTurnEnd();
    this.stop();
    // Where the end of the connection is the end of the answer, only a reset says that something is missing.
    if (cutByClose) this.#seat.wire.reset();
    else this.#seat.wire.destroy();
  }

  switchProtocols(head: ResponseHead, add: readonly string[]): Wire {
    this.stop();
    this.#seat.write(this.#write(head, OUTGOING.same, add), null, '');
    return this.#seat.takeWire();
  }

  #write(head: ResponseHead, outgoing: Outgoing, add: readonly string[]): string {
    const edits = this.#edits;
    edits.outgoing = outgoing;
    edits.connection = this.#closes ? 'close' : this.#minor === 0 ? 'keep-alive' : '';
    edits.date = head.hasDate ? '' : this.#seat.clock.dateLine;
    edits.remove = outgoing === OUTGOING.close ? TRAILER : null;
    edits.add = add.length === 0 ? '' : linesOf(add);
    return writeResponseHead(head, edits);
  }
}

type Editable = { -readonly [K in keyof ResponseEdits]: ResponseEdits[K] };

export interface OwnFraming {
  /** A ready line. */
  readonly date: string;
  readonly connection: '' | 'close' | 'keep-alive';
  /** The client takes no body (HEAD). */
  readonly bodiless: boolean;
}

/** Writes a whole answer of the gateway's own. */
export function writeOwn(to: Pick<Wire, 'write'>, answer: OwnAnswer, framing: OwnFraming): void {
  const { status, fields, body } = answer;
  const { date, connection, bodiless } = framing;
  // 204 has none, RFC 9110 8.6.
  const length = status === 204 ? '' : `Content-Length: ${body.length}\r\n`;
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${linesOf(fields)}${length}${date}`;
  if (connection !== '') head += `Connection: ${connection}\r\n`;
  to.write(`${head}\r\n`, bodiless || body.length === 0 ? null : body, '');
}

function linesOf(fields: readonly string[]): string {
  let lines = '';
  for (let i = 0; i + 1 < fields.length; i += 2) lines += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return lines;
}
