/**
 * The fast lane: HTTP/1 read and written by the gateway itself, straight from the wire. What it does not serve goes to
 * another lane, with every octet that was read put back.
 */
import type { Clock } from '#core/clock';
import type { Deadlines } from '../deadlines.ts';
import type { Peer } from '../exchange.ts';
import { RequestHead } from '../http1/request-head.ts';
import { Lane } from '../lane.ts';
import type { RequestPath } from '../request-path/request-path.ts';
import type { Wire } from '../transport/wire.ts';
import type { ConnectionHome } from './connection-home.ts';
import { FastConnection } from './fast-connection.ts';
import { LaneClock } from './lane-clock.ts';

/** From the first octet of a head, or the opening of the connection, to the end of the head. */
const HEAD_TIMEOUT_MS = 10_000;

export interface FastLaneOptions {
  readonly path: RequestPath;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  /** Takes a connection that speaks HTTP/2. What was read of it already comes out of the wire. */
  readonly onHttp2: (wire: Wire, peer: Peer) => void;
  /** Shorter in tests. */
  readonly headTimeoutMs?: number;
}

export class FastLane extends Lane<FastConnection> implements ConnectionHome {
  readonly path: RequestPath;
  readonly deadlines: Deadlines;
  readonly clock: LaneClock;
  readonly scratch = new RequestHead();
  readonly headTimeoutMs: number;
  readonly #options: FastLaneOptions;
  #retiring = false;

  constructor(options: FastLaneOptions) {
    super();
    this.#options = options;
    this.path = options.path;
    this.deadlines = options.deadlines;
    this.clock = new LaneClock(options.clock);
    this.headTimeoutMs = options.headTimeoutMs ?? HEAD_TIMEOUT_MS;
  }

  accept(wire: Wire, peer: Peer): void {
    if (this.isDraining) {
      wire.destroy();
      return;
    }
    const connection = new FastConnection(this, wire, peer);
    connection.isDraining = this.#retiring;
    this.connections.add(connection);
  }

  /** Every connection is closed after its next answer, also those on their way here; until then it is waited for. */
  retire(): void {
    this.#retiring = true;
    for (const connection of this.connections) connection.isDraining = true;
  }

  onHttp2(connection: FastConnection, wire: Wire): void {
    // The other lane counts it before this one forgets it: at no time is it nobody's.
    this.#options.onHttp2(wire, connection.peer);
    this.onGone(connection);
  }
}
