/**
 * An exchange on Node's own HTTP/1.1 stack. Node cuts the messages and frames the answer; what is in the heads was judged
 * by gateway/http1 before, and an answer that does not end as it should takes its connection with it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { OwnAnswer } from '../error-answer.ts';
import type { Exchange, ExchangeHandler, Peer } from '../exchange.ts';
import { lastChunk } from '../http1/chunked.ts';
import { readRawTrailers } from '../http1/field-list.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import {
  listResponseFields,
  type Outgoing,
  outgoingFor,
  type ResponseEdits,
  writeResponseHead,
} from '../http1/write-response.ts';
import { NetWire } from '../transport/net-wire.ts';
import type { Wire } from '../transport/wire.ts';
import type { ClientConnection } from './client-connection.ts';

const NO_TRAILERS: readonly string[] = [];
/** A rest of a body up to this size is read for the sake of the connection; a larger one costs it. */
const UNREAD_MAX_BYTES = 65_536;
/** Whoever hears this has stopped in the middle of a message. */
const REQUEST_TIMEOUT = 408;

export interface NodeExchangeOptions {
  readonly connection: ClientConnection;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly minor: 0 | 1;
  /** Bytes of the request body; -1: not known before its end. */
  readonly bodyBytes: number;
  /** The client has not been told to send its body yet. */
  readonly expect100: boolean;
  /** Nothing can follow on this connection: the client asked for that, or where the next head starts is uncertain. */
  readonly last: boolean;
}

export class NodeExchange implements Exchange {
  handler: ExchangeHandler | null = null;
  readonly peer: Peer;
  readonly #options: NodeExchangeOptions;
  #reading = false;
  #bodyEnded: boolean;
  #continued: boolean;
  /** Nothing more of the answer will be written. */
  #over = false;
  #last: boolean;
  #framing: 'chunked' | 'sized' | 'close' = 'sized';
  #headPending = false;

  constructor(options: NodeExchangeOptions) {
    this.#options = options;
    this.peer = options.connection.peer;
    this.#bodyEnded = options.bodyBytes === 0;
    this.#continued = !options.expect100;
    this.#last = options.last;
    const { request, response } = options;
    request.on('error', ignore);
    response.on('error', ignore);
    response.on('drain', this.#onDrain);
    response.on('close', this.#onClose);
  }

  // ---- the request body

  readBody(): void {
    const { request } = this.#options;
    if (this.#reading) {
      request.resume();
      return;
    }
    this.#reading = true;
    request.on('data', this.#onData);
    request.on('end', this.#onEnd);
  }

  pauseBody(): void {
    if (this.#reading) this.#options.request.pause();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.handler?.onBody(chunk);
  };

  readonly #onEnd = (): void => {
    this.#bodyEnded = true;
    const raw = this.#options.request.rawTrailers;
    const trailers = raw.length === 0 ? NO_TRAILERS : readRawTrailers(raw);
    if (trailers === null) this.#onBodyFault();
    else this.handler?.onBodyEnd(trailers);
  };

  /** Node found that the body is not framed as it should be. */
  onFault(): void {
    // Otherwise the fault lies in what follows this request.
    if (!this.#over && !this.#options.request.complete) this.#onBodyFault();
  }

  #onBodyFault(): void {
    this.#last = true;
    this.handler?.onBodyFault();
  }

  // ---- the answer

  inform(head: ResponseHead): void {
    const { minor, response } = this.#options;
    if (minor === 0 || response.headersSent || this.#over) return;
    if (head.status === 100) {
      this.#continued = true;
      response.writeContinue();
    } else response.socket?.write(writeResponseHead(head, EDITS.same), 'latin1');
  }

  head(head: ResponseHead, add: readonly string[]): void {
    const outgoing = outgoingFor(head, this.#options.minor);
    // Framing comes last: Node re-encodes what follows a length (its Content-Disposition rule).
    const fields = [...add, ...listResponseFields(head, EDITS[outgoing])];
    const chunked = outgoing === 'chunked' || (outgoing === 'same' && head.framing === 'chunked');
    this.#framing = chunked ? 'chunked' : outgoing === 'close' ? 'close' : 'sized';
    if (chunked) fields.push('transfer-encoding', 'chunked');
    const closes = outgoing === 'close' || this.#mustClose(!this.#bodyEnded);
    this.#last ||= closes;
    if (head.upgrade !== '') fields.push('upgrade', head.upgrade, 'connection', closes ? 'upgrade, close' : 'upgrade');
    else if (closes) fields.push('connection', 'close');
    this.#writeHead(head.status, head.reason, fields);
  }

  #writeHead(status: number, reason: string | undefined, fields: string[]): void {
    const { response } = this.#options;
    try {
      if (reason === undefined) response.writeHead(status, fields);
      else response.writeHead(status, reason, fields);
    } catch {
      // Node has rules of its own for what it writes.
      this.abort();
      return;
    }
    this.#headPending = true;
    process.nextTick(flushHead, this);
  }

  /** Sends a head that no body followed at once: the client of a stream waits for it. */
  flush(): void {
    if (this.#headPending && !this.#over) this.#options.response.flushHeaders();
    this.#headPending = false;
  }

  write(chunk: Buffer, owned: boolean): boolean {
    if (this.#over) return true;
    this.#headPending = false;
    return this.#options.response.write(owned ? chunk : Buffer.from(chunk));
  }

  end(trailers: readonly string[]): void {
    if (this.#over) return;
    const { response, connection, request } = this.#options;
    if (this.#isSending()) {
      this.flush();
      this.#over = true;
      // Not ended for Node, which would close with octets unread and so destroy the answer on its way.
      if (this.#framing === 'chunked') response.socket?.write(lastChunk(trailers), 'latin1');
      request.off('data', this.#onData);
      connection.linger(request);
      return;
    }
    this.#over = true;
    if (trailers.length > 0 && this.#framing === 'chunked') response.addTrailers(pairs(trailers));
    response.end();
  }

  retire(): void {
    this.#last = true;
  }

  answer(answer: OwnAnswer): void {
    if (this.#over) return;
    const { request, response } = this.#options;
    const { status, fields, body } = answer;
    if (status === REQUEST_TIMEOUT) this.#last = true;
    const all = [...fields];
    // 204 has none, RFC 9110 8.6.
    if (status !== 204) all.push('Content-Length', String(body.length));
    this.#last = this.#mustClose(this.#isSending());
    if (this.#last) all.push('Connection', 'close');
    this.#writeHead(status, undefined, all);
    if (this.#over) return;
    if (request.method !== 'HEAD' && body.length > 0) response.write(body);
    else response.flushHeaders();
    this.end(NO_TRAILERS);
  }

  abort(): void {
    this.#over = true;
    const { connection } = this.#options;
    // Where the end of the connection is the end of the answer, only a reset says that something is missing.
    if (this.#framing === 'close') connection.socket.resetAndDestroy();
    else connection.socket.destroy();
  }

  switchProtocols(head: ResponseHead, add: readonly string[]): Wire {
    const { connection, response } = this.#options;
    this.#over = true;
    let lines = '';
    for (let i = 0; i < add.length; i += 2) lines += `${add[i]}: ${add[i + 1]}\r\n`;
    response.off('close', this.#onClose);
    return new NetWire(connection.switchProtocols(response, writeResponseHead(head, { ...EDITS.same, add: lines })));
  }

  /** The client has more of its body to send than is worth reading. */
  #isSending(): boolean {
    const { request, bodyBytes } = this.#options;
    if (this.#bodyEnded || request.complete) return false;
    return !this.#continued || bodyBytes < 0 || bodyBytes > UNREAD_MAX_BYTES;
  }

  #mustClose(isSending: boolean): boolean {
    return isSending || this.#last || this.#options.connection.draining;
  }

  readonly #onDrain = (): void => {
    if (!this.#over) this.handler?.onDrain();
  };

  /** Comes once for every answer, whole or not. */
  readonly #onClose = (): void => {
    if (!this.#over) {
      this.#over = true;
      this.handler?.onAbort();
    }
    const { connection, response } = this.#options;
    // Node has rules of its own for closing; after a `close` nothing further is served (RFC 9112 9.6).
    if (this.#last || !response.shouldKeepAlive) connection.draining = true;
    connection.onExchangeOver();
  };
}

const PLAIN: Omit<ResponseEdits, 'outgoing'> = { connection: '', date: '', remove: null, add: '' };
const EDITS: Readonly<Record<Outgoing, ResponseEdits>> = {
  same: { ...PLAIN, outgoing: 'same' },
  chunked: { ...PLAIN, outgoing: 'chunked' },
  close: { ...PLAIN, outgoing: 'close', remove: new Set(['trailer']) },
};

function flushHead(exchange: NodeExchange): void {
  exchange.flush();
}

function pairs(list: readonly string[]): [string, string][] {
  const all: [string, string][] = [];
  for (let i = 0; i + 1 < list.length; i += 2) all.push([list[i] ?? '', list[i + 1] ?? '']);
  return all;
}

function ignore(): void {}
