/**
 * A replica that logs every octet it is sent, has Node's own parser read them, and answers what that parser says is a
 * whole request. What it saw is the truth about what the gateway forwarded.
 */
import { createServer, type Socket } from 'node:net';
import { serve, type TestServer } from '../support/upstreams.ts';
import { NodeReader, type ReadMessage } from './node-reader.ts';

/** What arrived since the last look. */
export interface Sight {
  readonly requests: readonly ReadMessage[];
  /** Codes of Node's parser. */
  readonly errors: readonly string[];
  /** Requests that were begun and whose connection has closed before they were whole. */
  readonly cut: number;
  /** All octets, one connection after the other. */
  readonly octets: string;
}

export interface LoggedConnection {
  readonly socket: Socket;
}

/** Answers a request that is whole. */
export type Answerer = (request: ReadMessage, connection: LoggedConnection) => void;

export class ByteLog {
  readonly server: TestServer;
  /** How requests are answered. */
  answer: Answerer = answerPlainly;
  /** Hears of every head before its body is there. */
  onHead: Answerer | null = null;
  #requests: ReadMessage[] = [];
  #errors: string[] = [];
  #cut = 0;
  #octets = '';

  private constructor(server: TestServer) {
    this.server = server;
  }

  static async start(): Promise<ByteLog> {
    const logs: ByteLog[] = [];
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => logs[0]?.accept(socket));
    const log = new ByteLog(await serve(server));
    logs.push(log);
    return log;
  }

  get port(): number {
    return this.server.port;
  }

  accept(socket: Socket): void {
    const connection: LoggedConnection = { socket };
    const reader = new NodeReader('request', {
      declines: true,
      onHead: (request) => this.onHead?.(request, connection),
      onWhole: (request) => {
        this.#requests.push(request);
        this.answer(request, connection);
      },
    });
    socket.on('error', () => {});
    socket.on('data', (octets) => {
      this.#octets += octets.toString('latin1');
      reader.read(octets);
      if (reader.error === '') return;
      this.#errors.push(reader.error);
      socket.destroy();
    });
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      if (reader.isInside) this.#cut++;
      reader.close();
    });
  }

  /** What arrived since the last call. */
  take(): Sight {
    const sight = { requests: this.#requests, errors: this.#errors, cut: this.#cut, octets: this.#octets };
    this.#requests = [];
    this.#errors = [];
    this.#cut = 0;
    this.#octets = '';
    return sight;
  }

  async close(): Promise<void> {
    await this.server.close();
  }
}

/** Tells the client what was seen, so that every client can tell whether it was answered for its own request. */
export function answerPlainly(request: ReadMessage, { socket }: LoggedConnection): void {
  const text = sightOf(request);
  socket.write(
    `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${request.method === 'HEAD' ? '' : text}`,
    'latin1',
  );
}

/** The body of `answerPlainly` for a request. */
export function sightOf(request: Pick<ReadMessage, 'method' | 'target' | 'body'>): string {
  return `saw ${request.method} ${request.target} ${request.body.length}`;
}
