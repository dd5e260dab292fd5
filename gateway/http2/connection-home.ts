/**
 * The port between a connection over HTTP/2 and the lane it belongs to.
 */
import type { Deadlines } from '../deadlines.ts';
import type { LaneClock } from '../fast-lane/lane-clock.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { RequestPath } from '../request-path/request-path.ts';
import type { BatchPool } from './frame-writer.ts';
import type { Http2Connection } from './http2-connection.ts';

export interface ConnectionHome {
  readonly path: RequestPath;
  readonly deadlines: Deadlines;
  readonly clock: LaneClock;
  readonly batches: BatchPool;
  /** Shared: a head is read and served within one call. */
  readonly scratch: RequestHead;
  readonly headTimeoutMs: number;
  /** Monotonic ms. */
  readonly now: () => number;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
  /** Value of the Date field now. */
  readonly date: string;
  onGone(connection: Http2Connection): void;
}
