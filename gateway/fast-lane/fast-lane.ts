/**
 * The fast lane: HTTP/1 read and written by the gateway itself, straight from the wire. What it does not serve goes to
 * another lane, with every octet that was read put back.
 */
import type { Socket } from 'node:net';
import type { Clock } from '#core/clock';
import type { Deadlines } from '../deadlines.ts';
import { RequestHead } from '../http1/request-head.ts';
import type { RequestPath } from '../request-path/request-path.ts';
import type { Wire } from '../transport/wire.ts';
import { plainAddress, type TrustedProxies } from '../trusted-proxies.ts';
import type { ConnectionHome } from './connection-home.ts';
import { FastConnection } from './fast-connection.ts';
import { LaneClock } from './lane-clock.ts';

/** From the first octet of a head, or the opening of the connection, to the end of the head. */
const HEAD_TIMEOUT_MS = 10_000;

export interface FastLaneOptions {
  readonly path: RequestPath;
  readonly trustedProxies: TrustedProxies;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  /** Takes what this lane does not serve. The socket allows half-open and holds the octets that were read. */
  readonly onOther: (socket: Socket, secure: boolean) => void;
  /** Shorter in tests. */
  readonly headTimeoutMs?: number;
}

export class FastLane implements ConnectionHome {
  readonly path: RequestPath;
  readonly deadlines: Deadlines;
  readonly clock: LaneClock;
  readonly scratch = new RequestHead();
  readonly headTimeoutMs: number;
  readonly #options: FastLaneOptions;
  readonly #connections = new Set<FastConnection>();
  #draining = false;
  /** Called whenever the last connection has closed. */
  onEmpty: (() => void) | null = null;

  constructor(options: FastLaneOptions) {
    this.#options = options;
    this.path = options.path;
    this.deadlines = options.deadlines;
    this.clock = new LaneClock(options.clock);
    this.headTimeoutMs = options.headTimeoutMs ?? HEAD_TIMEOUT_MS;
  }

  /** Connections that are open. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  accept(wire: Wire, secure: boolean): void {
    const address = wire.remoteAddress;
    if (address === undefined || this.#draining) {
      wire.destroy();
      return;
    }
    const plain = plainAddress(address);
    const peer = { address: plain, trusted: this.#options.trustedProxies.has(plain), secure };
    this.#connections.add(new FastConnection(this, wire, peer));
  }

  /** Takes nothing new: idle connections are closed, the others after their current answer. */
  drain(): void {
    this.#draining = true;
    for (const connection of this.#connections) connection.drain();
  }

  /** Closes everything at once. */
  destroy(): void {
    this.#draining = true;
    for (const connection of this.#connections) connection.destroy();
  }

  onGone(connection: FastConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.onEmpty?.();
  }

  onHandedOver(connection: FastConnection, socket: Socket): void {
    // The other lane counts it before this one forgets it: at no time is it nobody's.
    this.#options.onOther(socket, connection.peer.secure);
    socket.resume();
    this.onGone(connection);
  }
}
