/**
 * Wires on the handle beneath Node's sockets: no streams, no events, one read buffer for all connections, one write
 * request that is used again as long as writes leave at once. A wrong value on a handle aborts the process, so this is
 * used only after `selfTest`.
 */
import { Socket } from 'node:net';
import { type GatherBuffer, GatherBuffers } from './gather-buffer.ts';
import { socketOf } from './handle-socket.ts';
import type { Internals, TcpHandle, WriteRequest } from './node-handles.ts';
import { GATHER_MAX_BYTES, UNSENT_MAX_BYTES, type Wire, type WireOwner } from './wire.ts';

/** A body of 64 KiB together with its head. */
const READ_BYTES = 81_920;
const UV_EOF = -4095;

/** What all wires of one transport share. */
export class HandleTools {
  readonly internals: Internals;
  readonly state: Int32Array;
  readonly read = Buffer.allocUnsafeSlow(READ_BYTES);
  /** What addresses are written into; names that were not there would cost more than the question. */
  readonly peer: { address?: string } = { address: '', family: '', port: 0 } as { address?: string };
  #spare: WriteRequest | null = null;
  /** What writes are put together in: up to what was read in one go and what is written around it. */
  readonly buffers = new GatherBuffers(READ_BYTES + GATHER_MAX_BYTES);

  constructor(internals: Internals) {
    this.internals = internals;
    this.state = internals.streamBaseState;
  }

  request(): WriteRequest {
    if (this.#spare !== null) return this.#spare;
    const request = new this.internals.WriteWrap();
    request.oncomplete = onWritten;
    request.wire = null;
    request.bytes = 0;
    request.copy = null;
    request.held = null;
    this.#spare = request;
    return request;
  }

  /** The request is under way: another one has to serve. */
  spend(): void {
    this.#spare = null;
  }
}

export class HandleWire implements Wire {
  readonly ownsReads = false;
  onGone: (() => void) | null = null;
  readonly #handle: TcpHandle;
  readonly #tools: HandleTools;
  #owner: WireOwner | null = null;
  /** Comes before what is read next. */
  #early: Buffer | null = null;
  #started = false;
  #unsentBytes = 0;
  #isFull = false;
  #isReading = false;
  #isEnding = false;
  /** Everything written and the end of it have left. */
  #finished = false;
  /** The other side has ended. */
  #ended = false;
  #closed = false;
  #surrendered = false;

  constructor(handle: TcpHandle, tools: HandleTools) {
    this.#handle = handle;
    this.#tools = tools;
  }

  get remoteAddress(): string | undefined {
    const { peer } = this.#tools;
    return !this.#closed && this.#handle.getpeername(peer) === 0 ? peer.address : undefined;
  }

  get isOpen(): boolean {
    return !this.#closed && !this.#surrendered;
  }

  get hasUnsent(): boolean {
    return this.#unsentBytes > 0;
  }

  start(owner: WireOwner): void {
    if (this.#closed) return;
    this.#owner = owner;
    if (!this.#started) {
      this.#started = true;
      this.#handle.wire = this;
      this.#handle.onread = onRead;
      this.#handle.useUserBuffer(this.#tools.read);
    }
    if (this.#early === null) this.resume();
    else setImmediate(this.#deliverEarly);
  }

  detach(early: Buffer | null): void {
    this.pause();
    this.#owner = null;
    this.#early = early;
  }

  pause(): void {
    if (!this.#isReading || this.#closed) return;
    this.#isReading = false;
    this.#handle.readStop();
  }

  resume(): void {
    if (this.#isReading || this.#closed || this.#ended) return;
    this.#isReading = true;
    this.#handle.readStart();
  }

  write(before: string, octets: Buffer | null, after: string, owned = true): boolean {
    if (this.#closed || this.#isEnding) return true;
    const tools = this.#tools;
    const handle = this.#handle;
    const request = tools.request();
    const bytes = before.length + after.length + (octets === null ? 0 : octets.length);
    if (bytes === 0) return !this.#isFull;
    let error: number;
    let held: Buffer | null = null;
    let copy: GatherBuffer | null = null;
    if (octets === null) error = handle.writeLatin1String(request, after === '' ? before : before + after);
    else if (!owned || bytes <= GATHER_MAX_BYTES) {
      copy = tools.buffers.take(bytes);
      error = handle.writeBuffer(request, copy.put(before, octets, after));
    } else if (bytes === octets.length) {
      held = octets;
      error = handle.writeBuffer(request, octets);
    } else {
      held = octets;
      const parts = [before, 'latin1', octets, 'buffer', after, 'latin1'];
      error = handle.writev(request, after === '' ? parts.slice(0, 4) : parts, false);
    }
    const isUnsent = error === 0 && tools.state[tools.internals.kLastWriteWasAsync] !== 0;
    if (isUnsent) this.#noteUnsent(request, bytes, copy, held);
    else if (copy !== null) tools.buffers.giveBack(copy);
    if (error !== 0) this.destroy();
    return !this.#isFull;
  }

  pass(b: Buffer, start: number, end: number): boolean {
    if (this.#closed || this.#isEnding) return true;
    const tools = this.#tools;
    const request = tools.request();
    const bytes = end - start;
    const copy = tools.buffers.take(bytes);
    const error = this.#handle.writeBuffer(request, copy.part(b, start, end));
    const isUnsent = error === 0 && tools.state[tools.internals.kLastWriteWasAsync] !== 0;
    if (isUnsent) this.#noteUnsent(request, bytes, copy, null);
    else tools.buffers.giveBack(copy);
    if (error !== 0) this.destroy();
    return !this.#isFull;
  }

  end(last = false): void {
    if (this.#closed || this.#isEnding) return;
    if (last && this.#unsentBytes === 0) {
      this.destroy();
      return;
    }
    this.#isEnding = true;
    const request = new this.#tools.internals.ShutdownWrap();
    request.wire = this;
    request.oncomplete = onShutdown;
    // Leaves after everything that was written before.
    if (this.#handle.shutdown(request) !== 0) this.destroy();
  }

  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handle.close(onClosed);
  }

  reset(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#handle.reset(onClosed) !== 0) this.#handle.close(onClosed);
  }

  surrender(early: Buffer | null): Socket {
    this.pause();
    this.#surrendered = true;
    this.#owner = null;
    // A handle that closes already would never tell a socket that it has closed.
    if (this.#closed) return new Socket().destroy();
    return socketOf(this.#handle, this.#tools.read, early);
  }

  /** Gives the handle itself away, still reading, to what goes on top of it. Null: it has closed. */
  release(): TcpHandle | null {
    this.#owner = null;
    this.#surrendered = true;
    return this.#closed ? null : this.#handle;
  }

  readonly #deliverEarly = (): void => {
    const early = this.#early;
    if (early === null || this.#closed) return;
    this.#early = null;
    // Before the octets, which may ask for a pause.
    this.resume();
    this.#owner?.onOctets(early, 0, early.length);
  };

  /** @internal Told by the handle. */
  onRead(): void {
    if (this.#closed) return;
    const { state, internals, read } = this.#tools;
    const bytes = state[internals.kReadBytesOrError] ?? 0;
    if (bytes > 0) this.#owner?.onOctets(read, 0, bytes);
    else if (bytes === UV_EOF) {
      this.#ended = true;
      this.#isReading = false;
      this.#owner?.onEnd();
      if (this.#finished) this.destroy();
    } else if (bytes < 0) this.destroy();
  }

  /** @internal */
  onWritten(status: number, bytes: number, copy: GatherBuffer | null): void {
    if (copy !== null) this.#tools.buffers.giveBack(copy);
    if (this.#surrendered || this.#closed) return;
    if (status < 0) {
      this.destroy();
      return;
    }
    this.#unsentBytes -= bytes;
    if (!this.#isFull || this.#unsentBytes > 0) return;
    this.#isFull = false;
    this.#owner?.onDrain();
  }

  /** @internal */
  onShutdown(status: number): void {
    if (this.#surrendered || this.#closed) return;
    this.#finished = true;
    if (status < 0 || this.#ended) this.destroy();
  }

  /** @internal */
  onClosed(): void {
    const owner = this.#owner;
    this.#owner = null;
    owner?.onClosed();
    this.onGone?.();
  }

  #noteUnsent(request: WriteRequest, bytes: number, copy: GatherBuffer | null, held: Buffer | null): void {
    request.wire = this;
    request.bytes = bytes;
    request.copy = copy;
    request.held = held;
    this.#tools.spend();
    this.#unsentBytes += bytes;
    if (this.#unsentBytes >= UNSENT_MAX_BYTES) this.#isFull = true;
  }
}

// One function each for all handles: a handle calls what stands on it, with itself as `this`.

function onRead(this: TcpHandle): void {
  const wire = this.wire as HandleWire;
  wire.onRead();
}

function onWritten(this: WriteRequest, status: number): void {
  const wire = this.wire as HandleWire;
  this.held = null;
  wire.onWritten(status, this.bytes, this.copy);
  this.copy = null;
}

function onShutdown(this: { wire: unknown }, status: number): void {
  (this.wire as HandleWire).onShutdown(status);
}

function onClosed(this: TcpHandle): void {
  (this.wire as HandleWire | undefined)?.onClosed();
}
