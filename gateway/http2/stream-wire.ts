/**
 * A stream that was switched to WebSocket (RFC 8441), as a wire: what the client sends on it are the octets of the tunnel.
 */
import type { Socket } from 'node:net';
import { TidegateError } from '#core/errors';
import type { ExchangeHandler } from '../exchange.ts';
import type { LaneClock, Turn } from '../fast-lane/lane-clock.ts';
import type { Wire, WireOwner } from '../transport/wire.ts';
import { H2_ERROR } from './frame.ts';
import type { Http2Stream } from './stream.ts';

const NO_TRAILERS: readonly string[] = [];

export class StreamWire implements Wire, ExchangeHandler, Turn {
  readonly ownsReads = true;
  onGone: (() => void) | null = null;
  readonly #stream: Http2Stream;
  readonly #clock: LaneClock;
  #owner: WireOwner | null = null;
  #isReading = false;
  #isEnding = false;
  #closed = false;

  constructor(stream: Http2Stream, clock: LaneClock) {
    this.#stream = stream;
    this.#clock = clock;
  }

  // ---- the wire

  get remoteAddress(): string | undefined {
    return this.#closed ? undefined : this.#stream.peer.address;
  }

  get isOpen(): boolean {
    return !this.#closed;
  }

  get hasUnsent(): boolean {
    return this.#stream.hasQueued;
  }

  start(owner: WireOwner): void {
    this.#owner = owner;
    this.resume();
  }

  pause(): void {
    this.#isReading = false;
    this.#stream.pauseBody();
  }

  /** Nothing is handed over from within a call: the end of the turn does that. */
  resume(): void {
    this.#isReading = true;
    this.#clock.atTurnEnd(this);
  }

  write(before: string, octets: Buffer | null, after: string, owned = true): boolean {
    if (this.#closed || this.#isEnding) return true;
    let ready = true;
    if (before !== '') ready = this.#stream.write(Buffer.from(before, 'latin1'), true);
    if (octets !== null) ready = this.#stream.write(octets, owned);
    if (after !== '') ready = this.#stream.write(Buffer.from(after, 'latin1'), true);
    return ready;
  }

  pass(b: Buffer, start: number, end: number, owned: boolean): boolean {
    return this.write('', start === 0 && end === b.length ? b : b.subarray(start, end), '', owned);
  }

  end(): void {
    if (this.#closed || this.#isEnding) return;
    this.#isEnding = true;
    this.#stream.end(NO_TRAILERS);
  }

  destroy(): void {
    this.#stream.cut(H2_ERROR.cancel);
  }

  reset(): void {
    this.#stream.cut(H2_ERROR.cancel);
  }

  /** Nothing was read ahead: the stream holds what was not asked for. */
  detach(): void {
    this.pause();
    this.#owner = null;
  }

  surrender(): Socket {
    throw new TidegateError('upstream.protocol', 'a stream of HTTP/2 cannot be given away as a socket');
  }

  /** The stream is closed. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#clock.atTurnEnd(this);
  }

  onTurnEnd(): void {
    const owner = this.#owner;
    if (this.#closed) {
      this.#owner = null;
      owner?.onClosed();
      this.onGone?.();
      this.onGone = null;
    } else if (this.#isReading && owner !== null) this.#stream.readBody();
  }

  // ---- the stream

  onBody(chunk: Buffer): void {
    this.#owner?.onOctets(chunk, 0, chunk.length);
  }

  onBodyEnd(): void {
    this.#owner?.onEnd();
    this.#stream.onTunnelEnd();
  }

  onBodyFault(): void {
    this.destroy();
  }

  onDrain(): void {
    this.#owner?.onDrain();
  }

  onAbort(): void {
    this.close();
  }
}
