/**
 * The port between a connection of the fast lane and the lane it belongs to.
 */
import type { Deadlines } from '../deadlines.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { RequestPath } from '../request-path/request-path.ts';
import type { Wire } from '../transport/wire.ts';
import type { FastConnection } from './fast-connection.ts';
import type { LaneClock } from './lane-clock.ts';

/** The lane, as far as its connections need it. */
export interface ConnectionHome {
  readonly path: RequestPath;
  readonly deadlines: Deadlines;
  readonly clock: LaneClock;
  /** Shared: a head is read and served within one call. */
  readonly scratch: RequestHead;
  readonly headTimeoutMs: number;
  onGone(connection: FastConnection): void;
  /** Takes a connection that speaks HTTP/2. */
  onHttp2(connection: FastConnection, wire: Wire): void;
}
