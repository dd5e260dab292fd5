/**
 * Clients for tests: whole requests through node:http, and bare sockets for everything that a well-behaved client would
 * not do.
 */
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { until } from '#test/support/until';

export interface Sent {
  readonly method?: string;
  readonly path?: string;
  /** Default `app.test`. */
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly agent?: Agent;
}

export interface Received {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly trailers: IncomingMessage['trailers'];
  readonly body: Buffer;
  readonly text: string;
}

/** A whole exchange. Rejects when the answer is cut. */
export async function send(port: number, sent: Sent = {}): Promise<Received> {
  const response = await open(port, sent);
  const body = await buffer(response);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    trailers: response.trailers,
    body,
    text: body.toString(),
  };
}

/** Sends a request and resolves with the head of its answer; the body is the caller's to read. */
export function open(port: number, sent: Sent = {}): Promise<IncomingMessage> {
  const { method = 'GET', path = '/', host = 'app.test', headers = {}, body } = sent;
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: '127.0.0.1',
      port,
      method,
      path,
      headers: { host, ...headers },
      agent: sent.agent ?? false,
    });
    outgoing.on('response', resolve);
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

export function keepAliveAgent(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1 });
}

/** A bare connection that remembers everything it was told. */
export class Wire {
  readonly socket: Socket;
  readonly #received: Buffer[] = [];
  /** What was received, joined; null: more has come since. */
  #joined: string | null = '';
  ended = false;
  closed = false;
  error: NodeJS.ErrnoException | null = null;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (octets) => {
      this.#received.push(octets);
      this.#joined = null;
    });
    socket.on('end', () => {
      this.ended = true;
    });
    socket.on('error', (error) => {
      this.error = error;
    });
    socket.on('close', () => {
      this.closed = true;
    });
  }

  static async open(port: number): Promise<Wire> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const wire = new Wire(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('error', reject);
    });
    return wire;
  }

  /** Sends octets, given as latin1 text. */
  write(octets: string | Buffer): void {
    this.socket.write(typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets);
  }

  /** Everything received so far, as latin1 text. */
  get text(): string {
    this.#joined ??= Buffer.concat(this.#received).toString('latin1');
    return this.#joined;
  }

  /** Waits until the text received has this in it. */
  async has(expected: string | RegExp): Promise<string> {
    const what = `${String(expected)} on the wire`;
    await until(() => (typeof expected === 'string' ? this.text.includes(expected) : expected.test(this.text)), {
      what,
    });
    return this.text;
  }

  /** Waits until the other side has closed or reset the connection; tells everything received. */
  async over(): Promise<string> {
    await until(() => this.ended || this.closed, { what: 'the end of the connection' });
    this.socket.destroy();
    return this.text;
  }

  /** Whether the connection ended without a FIN. */
  get wasReset(): boolean {
    return this.closed && !this.ended;
  }

  destroy(): void {
    this.socket.destroy();
  }
}
