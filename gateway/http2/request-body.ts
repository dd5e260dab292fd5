/**
 * The body of the request on one stream: held while it is not wanted, within the window the client was given, and as long
 * as was announced (RFC 9113 8.1.1).
 */
import type { ExchangeHandler } from '../exchange.ts';
import { ReceiveWindow } from './receive-window.ts';
import type { StreamHome } from './stream-home.ts';

const NO_TRAILERS: readonly string[] = [];
/** What a client may send on one stream before it is wanted. */
export const STREAM_WINDOW_BYTES = 131_072;

/** The stream, as far as its body is concerned. */
export interface BodyOwner {
  readonly id: number;
  readonly handler: ExchangeHandler | null;
  /** The body is not what was announced. */
  onFault(): void;
}

export class RequestBody {
  readonly #owner: BodyOwner;
  readonly #home: StreamHome;
  /** Made with the first octets: most requests have none. */
  #window: ReceiveWindow | null = null;
  #held: Buffer[] = [];
  #flowing = false;
  #delivering = false;
  #stopped = false;
  /** -1: not announced. */
  #announcedBytes = -1;
  #arrivedBytes = 0;
  #trailers = NO_TRAILERS;
  /** The client has sent all of it. */
  isEnded = false;
  /** All of it, and its end, was handed over. */
  isDelivered = false;

  constructor(owner: BodyOwner, home: StreamHome) {
    this.#owner = owner;
    this.#home = home;
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  /** @param announcedBytes -1: the request does not say */
  start(announcedBytes: number, isEnded: boolean): void {
    this.#announcedBytes = announcedBytes;
    this.isEnded = isEnded;
    this.isDelivered = isEnded;
  }

  /** A DATA frame of `bytes` begins. False: more than the stream's window. */
  arrive(bytes: number): boolean {
    this.#window ??= new ReceiveWindow(STREAM_WINDOW_BYTES);
    return this.#window.arrive(bytes);
  }

  /** A part arrived, to be kept. */
  add(part: Buffer): void {
    this.#arrivedBytes += part.length;
    if (this.#stopped || (this.#announcedBytes >= 0 && this.#arrivedBytes > this.#announcedBytes)) {
      this.#home.onTaken(part.length);
      if (!this.#stopped) this.#owner.onFault();
      return;
    }
    this.#held.push(part);
    if (this.#flowing) this.#deliver();
  }

  /** Octets that are no part of the body took room in the windows. */
  skip(bytes: number): void {
    if (bytes > 0) this.#giveBack(bytes);
  }

  /** The client has sent everything. */
  end(trailers: readonly string[]): void {
    this.isEnded = true;
    this.#trailers = trailers;
    if (this.#announcedBytes >= 0 && this.#arrivedBytes !== this.#announcedBytes) this.#owner.onFault();
    else if (this.#flowing) this.#deliver();
  }

  flow(): void {
    if (this.#flowing || this.#stopped) return;
    this.#flowing = true;
    this.#deliver();
  }

  pause(): void {
    this.#flowing = false;
  }

  /** Nobody wants more of it. */
  stop(): void {
    this.#stopped = true;
    this.#flowing = false;
    for (const part of this.#held) this.#home.onTaken(part.length);
    this.#held = [];
  }

  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    for (let part = this.#next(); part !== undefined; part = this.#next()) {
      this.#giveBack(part.length);
      this.#owner.handler?.onBody(part);
    }
    this.#delivering = false;
    if (!this.#flowing || !this.isEnded || this.isDelivered) return;
    this.isDelivered = true;
    this.#owner.handler?.onBodyEnd(this.#trailers);
  }

  #next(): Buffer | undefined {
    return this.#flowing ? this.#held.shift() : undefined;
  }

  #giveBack(bytes: number): void {
    const room = this.isEnded ? 0 : (this.#window?.take(bytes) ?? 0);
    if (room > 0) this.#home.sender.writer.windowUpdate(this.#owner.id, room);
    this.#home.onTaken(bytes);
  }
}
