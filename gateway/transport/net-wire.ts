/**
 * Wires on Node's public sockets: works wherever Node does, and for encrypted connections.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Latin1Buffer } from '../latin1-buffer.ts';
import { type ConnectTaker, GATHER_MAX_BYTES, type Transport, type Wire, type WireOwner } from './wire.ts';

export const netTransport: Transport = {
  kind: 'net',
  createServer(onWire): Server {
    return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => onWire(new NetWire(socket)));
  },
  connect: connectNet,
};

const READ_BYTES = 81_920;
let reads: Buffer | null = null;

/** As {@link Transport.connect}. What is read lands in one buffer for all, which Node offers for sockets that dial alone. */
export function connectNet(host: string, port: number, taker: ConnectTaker): () => void {
  reads ??= Buffer.allocUnsafeSlow(READ_BYTES);
  const buffer = reads;
  let wire: NetWire | null = null;
  const onread = { buffer, callback: (bytes: number): boolean => wire?.onRead(buffer, bytes) ?? true };
  const socket = connect({ host, port, noDelay: true, autoSelectFamily: false, allowHalfOpen: true, onread });
  // Until it has an owner nobody would hear what is read.
  socket.pause();
  const onError = (error: Error): void => taker.onRefused(error);
  socket.on('error', onError);
  socket.on('connect', () => {
    wire = new NetWire(socket, false);
    socket.off('error', onError);
    taker.onConnected(wire);
  });
  return () => {
    socket.off('error', onError);
    socket.on('error', ignore);
    socket.destroy();
  };
}

export class NetWire implements Wire {
  readonly ownsReads: boolean;
  onGone: (() => void) | null = null;
  readonly #socket: Socket;
  #owner: WireOwner | null = null;
  #started = false;
  #surrendered = false;

  /**
   * @param socket allows half-open
   * @param streams it reads as a stream; otherwise `onRead` is called with what it reads
   */
  constructor(socket: Socket, streams = true) {
    this.#socket = socket;
    this.ownsReads = streams;
    socket.on('error', ignore);
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && !this.#surrendered;
  }

  get hasUnsent(): boolean {
    return this.#socket.writableLength > 0;
  }

  start(owner: WireOwner): void {
    this.#owner = owner;
    const socket = this.#socket;
    if (!this.#started) this.#listen();
    socket.resume();
  }

  #listen(): void {
    const socket = this.#socket;
    this.#started = true;
    socket.on('close', this.#onClose);
    socket.on('drain', this.#onDrain);
    socket.on('end', this.#onEnd);
    socket.on('data', this.#onData);
  }

  detach(early: Buffer | null): void {
    this.#owner = null;
    this.#socket.pause();
    if (early !== null) this.#socket.unshift(early);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  write(before: string, octets: Buffer | null, after: string, owned = true): boolean {
    const socket = this.#socket;
    if (socket.destroyed || socket.writableEnded) return true;
    if (octets === null) return socket.write(before + after, 'latin1');
    const bytes = before.length + octets.length + after.length;
    if (owned && bytes === octets.length) return socket.write(octets);
    if (bytes <= GATHER_MAX_BYTES) {
      // A string costs the stream less than a buffer that is made for one write.
      const text = (octets as Latin1Buffer).latin1Slice(0, octets.length);
      return socket.write(before + text + after, 'latin1');
    }
    socket.cork();
    if (before !== '') socket.write(before, 'latin1');
    let ready = socket.write(owned ? octets : Buffer.from(octets));
    if (after !== '') ready = socket.write(after, 'latin1');
    socket.uncork();
    return ready;
  }

  pass(b: Buffer, start: number, end: number, owned: boolean): boolean {
    const isWhole = start === 0 && end === b.length;
    if (end - start > GATHER_MAX_BYTES || (owned && isWhole)) {
      return this.write('', isWhole ? b : b.subarray(start, end), '', owned);
    }
    return this.write((b as Latin1Buffer).latin1Slice(start, end), null, '');
  }

  end(last = false): void {
    if (last) this.#socket.destroySoon();
    else this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  surrender(early: Buffer | null): Socket {
    const socket = this.#socket;
    this.#owner = null;
    this.#surrendered = true;
    socket.off('close', this.#onClose);
    socket.off('drain', this.#onDrain);
    socket.off('end', this.#onEnd);
    socket.off('data', this.#onData);
    socket.off('error', ignore);
    socket.pause();
    if (early !== null) socket.unshift(early);
    return socket;
  }

  /** @internal Told by the socket; the octets hold during the call only. Returns whether it may read on. */
  onRead(b: Buffer, bytes: number): boolean {
    if (this.#surrendered) return this.#socket.push(Buffer.from(b.subarray(0, bytes)));
    this.#owner?.onOctets(b, 0, bytes);
    return true;
  }

  readonly #onData = (octets: Buffer): void => {
    this.#owner?.onOctets(octets, 0, octets.length);
  };

  readonly #onDrain = (): void => {
    this.#owner?.onDrain();
  };

  readonly #onEnd = (): void => {
    this.#owner?.onEnd();
  };

  readonly #onClose = (): void => {
    const owner = this.#owner;
    this.#owner = null;
    owner?.onClosed();
    this.onGone?.();
  };
}

/** What an error means is known when the connection has closed. */
function ignore(): void {}
