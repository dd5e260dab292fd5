/** Stands between a client and a name server on loopback and does to each answer what it was told to, one call after another. */
import { createServer, type Server, type Socket } from 'node:net';
import { exchange } from '#certs/acme/dns-01/dns-exchange';
import { systemClock } from '#core/clock';

const DEADLINE_MS = 20_000;

/** `silent`: takes the message and never answers. A function: what comes in the place of the answer to that request. */
export type Deed = 'pass' | 'silent' | 'hang-up' | 'cut' | ((answer: Buffer, request: Buffer) => Buffer);

export class DnsRelay implements AsyncDisposable {
  readonly requests: Buffer[] = [];
  readonly answers: Buffer[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  /** @param deeds of one call after another; the last one goes on */
  private constructor(port: number, deeds: readonly Deed[]) {
    this.#server = createServer((socket) => {
      const deed = deeds[Math.min(this.#sockets.size, deeds.length - 1)] ?? 'pass';
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', (part) => {
        if (deed === 'silent') return;
        if (deed === 'hang-up') socket.destroy();
        else void this.#relay(part, { port, socket, deed });
      });
    });
  }

  /** @param port of the name server */
  static async start(port: number, deeds: readonly Deed[]): Promise<DnsRelay> {
    const relay = new DnsRelay(port, deeds);
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get callCount(): number {
    return this.#sockets.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #relay(
    sent: Buffer,
    { port, socket, deed }: { readonly port: number; readonly socket: Socket; readonly deed: Deed },
  ): Promise<void> {
    const request = sent.subarray(2);
    const to = { host: '127.0.0.1', port, clock: systemClock, deadlineMs: DEADLINE_MS };
    const heard = await exchange(request, to, new AbortController().signal);
    const answer = typeof deed === 'function' ? deed(Buffer.from(heard), request) : heard;
    this.requests.push(request);
    this.answers.push(heard);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(answer.length);
    // In pieces, as a network may bring it.
    socket.write(length.subarray(0, 1));
    setImmediate(() => {
      socket.write(Buffer.concat([length.subarray(1), answer.subarray(0, -1)]));
      setImmediate(() => socket.end(answer.subarray(deed === 'cut' ? answer.length : -1)));
    });
  }
}
