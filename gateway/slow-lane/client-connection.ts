/**
 * One client connection in the slow lane. Requests on it are served one after the other, however many were sent ahead
 * (RFC 9112 9.3.2), and it is closed so that the last answer on it arrives.
 */
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Deadline, type Deadlines } from '../deadlines.ts';
import type { OwnAnswer } from '../error-answer.ts';
import type { Peer } from '../exchange.ts';
import type { NodeExchange } from './node-exchange.ts';

/** How long a client that still sends may take to read its answer. */
const LINGER_MS = 5000;
/** Requests sent ahead before no more are read. */
const PIPELINE_MAX = 8;
/** What a client may send ahead of the answer to its upgrade. */
const EARLY_MAX_BYTES = 65_536;

/** What Node has cut out of the connection, waiting for its turn. */
interface Arrival {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export interface ClientConnectionOptions {
  readonly socket: Socket;
  readonly peer: Peer;
  readonly deadlines: Deadlines;
  /** Takes a request whose turn has come. */
  readonly serve: (connection: ClientConnection, request: IncomingMessage, response: ServerResponse) => NodeExchange;
}

export class ClientConnection {
  readonly socket: Socket;
  readonly peer: Peer;
  readonly #options: ClientConnectionOptions;
  readonly #lingering: Deadline;
  readonly #waiting: Arrival[] = [];
  #current: NodeExchange | null = null;
  /** The request that was served last. */
  #newest: IncomingMessage | null = null;
  #early: Buffer[] = [];
  #earlyBytes = 0;
  /** What ends the connection when everything before it has been answered. */
  #lastWord: (() => OwnAnswer) | null = null;
  /** No further request is taken. */
  draining = false;
  #closing = false;

  constructor(options: ClientConnectionOptions) {
    this.#options = options;
    this.socket = options.socket;
    this.peer = options.peer;
    this.#lingering = new Deadline(() => this.socket.destroy());
    this.socket.on('close', () => options.deadlines.stop(this.#lingering));
  }

  get isIdle(): boolean {
    return this.#current === null;
  }

  take(request: IncomingMessage, response: ServerResponse): void {
    if (this.#closing) return;
    if (this.#current === null) {
      this.#start(request, response);
      return;
    }
    this.#waiting.push({ request, response });
    if (this.#waiting.length >= PIPELINE_MAX) this.socket.pause();
  }

  /** Takes a request whose connection is to be switched; Node has let go of it. */
  takeUpgrade(request: IncomingMessage, early: Buffer): void {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(this.socket);
    this.draining = true;
    const { socket } = this;
    socket.on('error', ignore);
    socket.on('data', this.#onEarly);
    socket.on('end', this.#onEarlyEnd);
    socket.on('drain', () => response.emit('drain'));
    response.on('finish', () => this.#close());
    if (early.length > 0) this.#onEarly(early);
    this.#start(request, response);
  }

  /** The answer of the current request has ended, or never will. */
  onExchangeOver(): void {
    this.#current = null;
    if (this.#closing || this.socket.destroyed) return;
    if (this.draining) {
      this.#close();
      return;
    }
    const next = this.#waiting.shift();
    if (next !== undefined) {
      if (this.#waiting.length < PIPELINE_MAX) this.socket.resume();
      this.#start(next.request, next.response);
      if (this.#lastWord !== null && !next.request.complete) this.#onBodyFault();
    } else if (this.#lastWord !== null) this.#say(this.#lastWord());
  }

  /** What follows on the connection cannot be read as a request. */
  onFault(answer: () => OwnAnswer): void {
    if (this.#closing || this.#lastWord !== null) return;
    if (this.#waiting.length === 0 && this.#newest?.complete === false) this.#onBodyFault();
    else if (this.#current === null) this.#say(answer());
    else this.#lastWord = answer;
  }

  /** The body of the newest request is at fault: it has no answer but the one it gets or got. */
  #onBodyFault(): void {
    this.draining = true;
    if (this.#current === null) this.#close();
    else this.#current.onFault();
  }

  /** Writes a last answer and closes. */
  #say(answer: OwnAnswer): void {
    let head = `HTTP/1.1 ${answer.status} ${REASONS[answer.status] ?? ''}\r\nConnection: close\r\n`;
    for (let i = 0; i < answer.fields.length; i += 2) head += `${answer.fields[i]}: ${answer.fields[i + 1]}\r\n`;
    this.socket.write(`${head}Content-Length: ${answer.body.length}\r\n\r\n`, 'latin1');
    this.socket.write(answer.body);
    this.#close();
  }

  /** Ends the answer that was written and reads on for a while: closing at once could destroy it on its way. */
  linger(request: IncomingMessage): void {
    request.on('end', () => this.socket.destroySoon());
    request.resume();
    this.#close();
  }

  /** Lets go of a connection that has been switched. */
  switchProtocols(response: ServerResponse, head: string): Socket {
    const { socket } = this;
    response.detachSocket(socket);
    socket.pause();
    socket.removeAllListeners('drain');
    socket.off('data', this.#onEarly);
    socket.off('end', this.#onEarlyEnd);
    socket.write(head, 'latin1');
    if (this.#earlyBytes > 0) socket.unshift(Buffer.concat(this.#early));
    this.#early = [];
    this.#closing = true;
    return socket;
  }

  #start(request: IncomingMessage, response: ServerResponse): void {
    this.#newest = request;
    this.#current = this.#options.serve(this, request, response);
  }

  #close(): void {
    this.#closing = true;
    this.socket.end();
    this.#options.deadlines.start(this.#lingering, LINGER_MS);
  }

  readonly #onEarly = (chunk: Buffer): void => {
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes > EARLY_MAX_BYTES) this.socket.pause();
  };

  /** A client that hangs up before its upgrade was answered has gone. */
  readonly #onEarlyEnd = (): void => {
    this.socket.destroy();
  };
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

function ignore(): void {}
