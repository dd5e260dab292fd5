/**
 * HTTP/2 from clients (RFC 9113), read and written by the gateway itself: connections whose preface or ALPN says h2.
 */
import type { Clock } from '#core/clock';
import type { Deadlines } from '../deadlines.ts';
import type { Peer } from '../exchange.ts';
import { LaneClock } from '../fast-lane/lane-clock.ts';
import { RequestHead } from '../http1/request-head.ts';
import { Lane } from '../lane.ts';
import type { RequestPath } from '../request-path/request-path.ts';
import type { Wire } from '../transport/wire.ts';
import type { ConnectionHome } from './connection-home.ts';
import { BatchPool } from './frame-writer.ts';
import { Http2Connection } from './http2-connection.ts';

/** To the end of the client's SETTINGS, and from the first octet of a header block to its end. */
const HEAD_TIMEOUT_MS = 10_000;
const DATE_AT = 'Date: '.length;

export interface Http2LaneOptions {
  readonly path: RequestPath;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
  /** Shorter in tests. */
  readonly headTimeoutMs?: number;
}

export class Http2Lane extends Lane<Http2Connection> implements ConnectionHome {
  readonly path: RequestPath;
  readonly deadlines: Deadlines;
  readonly clock: LaneClock;
  readonly batches = new BatchPool();
  readonly scratch = new RequestHead();
  readonly headTimeoutMs: number;
  readonly now: () => number;
  readonly random: () => number;
  #dateLine = '';
  #date = '';

  constructor(options: Http2LaneOptions) {
    super();
    const { clock } = options;
    this.path = options.path;
    this.deadlines = options.deadlines;
    this.clock = new LaneClock(clock);
    this.now = () => clock.now();
    this.random = options.random;
    this.headTimeoutMs = options.headTimeoutMs ?? HEAD_TIMEOUT_MS;
  }

  get date(): string {
    const line = this.clock.dateLine;
    if (line !== this.#dateLine) {
      this.#dateLine = line;
      this.#date = line.slice(DATE_AT, -2);
    }
    return this.#date;
  }

  /** Takes a connection that speaks HTTP/2. What was read of it already, the preface included, comes out of the wire. */
  accept(wire: Wire, peer: Peer): void {
    if (this.isDraining) {
      wire.destroy();
      return;
    }
    const connection = new Http2Connection(this, wire, peer);
    this.connections.add(connection);
    connection.start();
  }
}
