/**
 * Encrypted wires on the handle beneath Node's sockets. The handle takes one write at a time and says only in a later turn
 * that it has left: what is written meanwhile is gathered into the next one.
 */
import { Socket } from 'node:net';
import { GatherBuffer } from '../transport/gather-buffer.ts';
import { socketOf } from '../transport/handle-socket.ts';
import type { HandleTools } from '../transport/handle-wire.ts';
import type { ShutdownRequest, TcpHandle, WriteRequest } from '../transport/node-handles.ts';
import { UNSENT_MAX_BYTES, type Wire, type WireOwner } from '../transport/wire.ts';
import { COPY_MAX_BYTES, gathered, WriteQueue } from './gathering.ts';
import type { TlsTerms } from './secure-wire.ts';
import type { TlsHandle } from './tls-handles.ts';

const UV_EOF = -4095;

export class TlsHandleWire implements Wire {
  readonly ownsReads = false;
  onGone: (() => void) | null = null;
  readonly #tcp: TcpHandle;
  readonly #tls: TlsHandle;
  readonly #tools: HandleTools;
  readonly #onFault: (reason: string) => void;
  #owner: WireOwner | null = null;
  /** The handle has a write of which it has not said that it left. */
  #isWriting = false;
  /** How much of that one waits in the kernel. */
  #writingBytes = 0;
  readonly #queue = new WriteQueue();
  #isFull = false;
  #isReading = false;
  /** Clear octets nobody has asked for yet: a pause does not take back what was read already. */
  #held: Buffer[] = [];
  #holdsEnd = false;
  #isEnding = false;
  #finished = false;
  #ended = false;
  #failed = false;
  #closed = false;
  /** The socket it was given away as. */
  #socket: Socket | null = null;

  constructor(tcp: TcpHandle, tls: TlsHandle, tools: HandleTools, terms: TlsTerms) {
    this.#tcp = tcp;
    this.#tls = tls;
    this.#tools = tools;
    this.#onFault = terms.onFault;
    tcp.wire = this;
    tls.wire = this;
    tls._parent = tcp;
    tls.onread = onRead;
    tls.onerror = onError;
    tls.setALPNProtocols(terms.protocols);
    tls.useUserBuffer(tools.read);
    tls.receive(terms.early);
    tls.readStart();
  }

  get remoteAddress(): string | undefined {
    const into: { address?: string } = {};
    return !this.#closed && this.#tcp.getpeername(into) === 0 ? into.address : undefined;
  }

  get isOpen(): boolean {
    return !this.#closed && this.#socket === null;
  }

  get hasUnsent(): boolean {
    return this.#isWriting;
  }

  start(owner: WireOwner): void {
    this.#owner = owner;
    if (!this.#closed) this.resume();
  }

  pause(): void {
    if (!this.#isReading || this.#closed) return;
    this.#isReading = false;
    this.#tls.readStop();
  }

  resume(): void {
    if (this.#isReading || this.#closed) return;
    this.#isReading = true;
    if (this.#held.length > 0 || this.#holdsEnd) setImmediate(() => this.flush());
    else if (!this.#ended) this.#tls.readStart();
  }

  write(before: string, octets: Buffer | null, after: string): boolean {
    if (this.#closed || this.#isEnding || this.#failed) return true;
    const bytes = before.length + after.length + (octets === null ? 0 : octets.length);
    if (bytes === 0) return !this.#isFull;
    if (this.#isWriting) this.#enqueue(before, octets, after);
    else if (octets !== null && bytes === octets.length) this.#send(octets);
    else if (bytes <= COPY_MAX_BYTES) this.#send(gathered(before, octets, after));
    else this.#send(new GatherBuffer(bytes).put(before, octets, after));
    return !this.#isFull;
  }

  pass(b: Buffer, start: number, end: number): boolean {
    return this.write('', start === 0 && end === b.length ? b : b.subarray(start, end), '');
  }

  end(): void {
    if (this.#closed || this.#isEnding) return;
    this.#isEnding = true;
    if (!this.#isWriting) this.#shutDown(this.#tls);
  }

  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tcp.close(onClosed);
  }

  reset(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#tcp.reset(onClosed) !== 0) this.#tcp.close(onClosed);
  }

  detach(early: Buffer | null): void {
    this.pause();
    this.#owner = null;
    if (early !== null) this.#held.unshift(early);
  }

  surrender(early: Buffer | null): Socket {
    this.pause();
    this.#owner = null;
    if (this.#closed) {
      this.#socket = new Socket().destroy();
      return this.#socket;
    }
    const first = early === null ? this.#held : [early, ...this.#held];
    const socket = socketOf(this.#tls, this.#tools.read, first.length === 0 ? null : Buffer.concat(first));
    this.#held = [];
    this.#socket = socket;
    socket.on('close', () => setImmediate(() => this.#destroyTls()));
    if (this.#holdsEnd) socket.push(null);
    // Two writes at once would abort the process: until ours has left the socket waits as if it were connecting.
    if (this.#isWriting) (socket as { connecting: boolean }).connecting = true;
    return socket;
  }

  /** @internal Told by the handle. */
  onRead(): void {
    if (this.#closed || this.#failed) return;
    const { state, internals, read } = this.#tools;
    const bytes = state[internals.kReadBytesOrError] ?? 0;
    const waits = !this.#isReading || this.#held.length > 0;
    if (bytes > 0) {
      if (waits) this.#held.push(Buffer.from(read.subarray(0, bytes)));
      else this.#owner?.onOctets(read, 0, bytes);
    } else if (bytes === UV_EOF) {
      this.#ended = true;
      if (waits) this.#holdsEnd = true;
      else this.#tellEnd();
    } else if (bytes < 0) this.destroy();
  }

  /** @internal Hands over what was held. */
  flush(): void {
    while (this.#isReading && !this.#closed && this.#socket === null) {
      const octets = this.#held.shift();
      if (octets === undefined) break;
      this.#owner?.onOctets(octets, 0, octets.length);
    }
    if (!this.#isReading || this.#closed || this.#socket !== null) return;
    if (this.#holdsEnd) {
      this.#holdsEnd = false;
      this.#tellEnd();
    } else this.#tls.readStart();
  }

  /** @internal */
  onWritten(status: number): void {
    this.#isWriting = false;
    this.#writingBytes = 0;
    if (this.#closed) return;
    if (status < 0) {
      this.destroy();
      return;
    }
    if (this.#queue.bytes > 0) this.#send(this.#queue.take());
    else if (this.#socket !== null) {
      const socket = this.#socket;
      (socket as { connecting: boolean }).connecting = false;
      socket.emit('connect');
      // What was resumed meanwhile has not started to read.
      if (!socket.isPaused()) socket.resume();
    } else if (this.#isEnding) this.#shutDown(this.#tls);
    this.#noteDrained();
  }

  /** @internal TLS has failed; an alert has been written if one was due. */
  onError(error: Error): void {
    if (this.#closed || this.#failed) return;
    if (this.#socket !== null) {
      this.#socket.destroy(error);
      return;
    }
    this.#failed = true;
    this.#finished = true;
    this.#onFault(error.message);
    // Closing at once could take the alert back.
    if (!this.#isEnding) this.#shutDown(this.#tcp);
    this.#isEnding = true;
  }

  /** @internal */
  onShutdown(status: number): void {
    if (this.#closed || this.#socket !== null) return;
    this.#finished = true;
    if (status < 0 || this.#ended || this.#failed) this.destroy();
  }

  /** @internal */
  onClosed(): void {
    this.#destroyTls();
    this.#held = [];
    this.#queue.clear();
    const owner = this.#owner;
    this.#owner = null;
    owner?.onClosed();
    this.onGone?.();
  }

  #destroyTls(): void {
    this.#tls.proof?.detach();
    this.#tls.destroySSL();
  }

  #tellEnd(): void {
    this.#isReading = false;
    this.#owner?.onEnd();
    if (this.#finished) this.destroy();
  }

  #send(octets: Buffer): void {
    const { internals } = this.#tools;
    const request = new internals.WriteWrap();
    request.oncomplete = onWritten;
    request.wire = this;
    this.#isWriting = true;
    if (this.#tls.writeBuffer(request, octets) !== 0) {
      this.#isWriting = false;
      this.destroy();
      return;
    }
    // In most cases it has left for the kernel by now, whatever the handle says later.
    const hasLeft = octets.length <= COPY_MAX_BYTES && this.#tcp.writeQueueSize === 0;
    this.#writingBytes = hasLeft ? 0 : octets.length;
    if (this.#writingBytes + this.#queue.bytes >= UNSENT_MAX_BYTES) this.#isFull = true;
  }

  #enqueue(before: string, octets: Buffer | null, after: string): void {
    this.#queue.add(before, octets, after);
    if (this.#writingBytes + this.#queue.bytes >= UNSENT_MAX_BYTES) this.#isFull = true;
  }

  #noteDrained(): void {
    if (!this.#isFull || this.#writingBytes + this.#queue.bytes > 0) return;
    this.#isFull = false;
    this.#owner?.onDrain();
  }

  #shutDown(handle: TcpHandle): void {
    const request = new this.#tools.internals.ShutdownWrap();
    request.wire = this;
    request.oncomplete = onShutdown;
    if (handle.shutdown(request) !== 0) this.destroy();
  }
}

// One function each for all handles: a handle calls what stands on it, with itself as `this`.

function onRead(this: TcpHandle): void {
  (this.wire as TlsHandleWire).onRead();
}

function onError(this: TlsHandle, error: Error): void {
  (this.wire as TlsHandleWire).onError(error);
}

function onWritten(this: WriteRequest, status: number): void {
  (this.wire as TlsHandleWire).onWritten(status);
}

function onShutdown(this: ShutdownRequest, status: number): void {
  (this.wire as TlsHandleWire).onShutdown(status);
}

function onClosed(this: TcpHandle): void {
  (this.wire as TlsHandleWire).onClosed();
}
