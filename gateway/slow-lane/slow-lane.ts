/**
 * The slow lane: requests cut out of the wire by Node's own HTTP/1.1 stack. It takes connections rather than listening
 * itself, so that another lane may hand one over, with what it has read put back into the socket.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Deadlines } from '../deadlines.ts';
import type { GatewayErrorCode } from '../error-answer.ts';
import type { Peer } from '../exchange.ts';
import { readRawRequest } from '../http1/field-list.ts';
import { REQUEST_HEAD_MAX_BYTES, RequestHead } from '../http1/request-head.ts';
import type { RequestPath } from '../request-path/request-path.ts';
import { ClientConnection } from './client-connection.ts';
import { NodeExchange } from './node-exchange.ts';

/** From the first octet of a head, or the opening of the connection, to the end of the head. */
const HEAD_TIMEOUT_MS = 10_000;
const HEAD_CHECK_MS = 1000;
/** Longer than load balancers and browsers keep a connection, so that they are the ones who close it. */
const KEEP_ALIVE_MS = 65_000;

export interface SlowLaneOptions {
  readonly path: RequestPath;
  readonly deadlines: Deadlines;
  /** Shorter in tests. */
  readonly headTimeoutMs?: number;
}

export class SlowLane {
  readonly #options: SlowLaneOptions;
  readonly #http: Server;
  readonly #connections = new Map<Socket, ClientConnection>();
  /** A head is judged and served within one call. */
  readonly #head = new RequestHead();
  #draining = false;
  /** Called whenever the last connection has closed. */
  onEmpty: (() => void) | null = null;

  constructor(options: SlowLaneOptions) {
    this.#options = options;
    const headersTimeout = options.headTimeoutMs ?? HEAD_TIMEOUT_MS;
    this.#http = createServer({
      insecureHTTPParser: false,
      maxHeaderSize: REQUEST_HEAD_MAX_BYTES,
      // A missing Host is refused by the strict reading, with an answer of our own.
      requireHostHeader: false,
      headersTimeout,
      // A body may take as long as it moves; the request path watches that.
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: Math.min(HEAD_CHECK_MS, headersTimeout),
      shouldUpgradeCallback: (request) => this.#isUpgrade(request),
    });
    const http = this.#http;
    // More than a default limit would be dropped unseen; the size of the head bounds them.
    http.maxHeadersCount = 0;
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
      this.#connections.get(request.socket)?.take(request, response);
    };
    http.on('request', onRequest);
    http.on('checkContinue', onRequest);
    http.on('checkExpectation', onRequest);
    http.on('upgrade', (request: IncomingMessage, socket: Socket, early: Buffer) => {
      this.#connections.get(socket)?.takeUpgrade(request, early);
    });
    http.on('connect', (_request, socket: Socket) => this.#refuseUnread(socket, 'not_implemented'));
    http.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => this.#onClientError(error, socket));
    // Node watches the heads of connections from this event on; nothing listens here.
    http.emit('listening');
  }

  /** Connections that are open. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Takes a client's connection. The socket allows half-open and may hold octets that were put back. */
  accept(socket: Socket, peer: Peer): void {
    if (this.#draining) {
      socket.destroy();
      return;
    }
    const { deadlines } = this.#options;
    const serve = this.#serve;
    this.#connections.set(socket, new ClientConnection({ socket, peer, deadlines, serve }));
    socket.on('close', () => {
      this.#connections.delete(socket);
      if (this.#connections.size === 0) this.onEmpty?.();
    });
    this.#http.emit('connection', socket);
  }

  /** Takes nothing new: idle connections are closed, the others after their current answer. */
  drain(): void {
    this.#draining = true;
    for (const connection of this.#connections.values()) {
      connection.draining = true;
      if (connection.isIdle && connection.socket.bytesRead === 0) connection.socket.destroy();
    }
    this.#http.closeIdleConnections();
  }

  /** Closes everything at once. */
  destroy(): void {
    this.#draining = true;
    for (const socket of this.#connections.keys()) socket.destroy();
    this.#http.close();
  }

  readonly #serve = (
    connection: ClientConnection,
    request: IncomingMessage,
    response: ServerResponse,
  ): NodeExchange => {
    const { path } = this.#options;
    const head = this.#head;
    const sound = this.#judge(request);
    const exchange = new NodeExchange({
      connection,
      request,
      response,
      minor: request.httpVersionMinor === 0 ? 0 : 1,
      bodyBytes: head.framing === 'chunked' || !sound ? -1 : head.contentLength,
      expect100: head.expect100,
      // Node stops reading behind a request that asks for an upgrade, whether or not it is one.
      last: !sound || !head.keepAlive || request.headers.upgrade !== undefined,
    });
    if (sound) path.serve(exchange, head);
    else path.refuse(exchange, head);
    return exchange;
  };

  /** Judges a head by the strict rules; what it says stands in `#head`. */
  #judge(request: IncomingMessage): boolean {
    const head = this.#head;
    if (request.httpVersionMajor !== 1) {
      head.refuse('version');
      return false;
    }
    const minor = request.httpVersionMinor === 0 ? 0 : 1;
    const { method = '', url = '', rawHeaders } = request;
    return readRawRequest(head, { method, target: url, minor, fields: rawHeaders }) === 'complete';
  }

  /** What is no clean upgrade is served as a plain request, and so is one that was sent ahead. */
  #isUpgrade(request: IncomingMessage): boolean {
    const connection = this.#connections.get(request.socket);
    return connection?.isIdle === true && this.#judge(request) && this.#head.websocket;
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    if (error.code === 'ECONNRESET' || error.code === 'EPIPE' || !socket.writable) socket.destroy();
    else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
      // A connection that was opened ahead and never used is closed without a word.
      if (socket.bytesRead === 0) socket.destroy();
      else this.#refuseUnread(socket, 'request_timeout');
    } else this.#refuseUnread(socket, error.code === 'HPE_HEADER_OVERFLOW' ? 'head_too_large' : 'bad_request');
  }

  #refuseUnread(socket: Socket, code: GatewayErrorCode): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined) socket.destroy();
    else connection.onFault(() => this.#options.path.refuseUnread(connection.peer, code));
  }
}
