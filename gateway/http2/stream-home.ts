/**
 * The port between a stream and its connection.
 */
import type { Peer } from '../exchange.ts';
import type { LaneClock } from '../fast-lane/lane-clock.ts';
import type { RequestPath } from '../request-path/request-path.ts';
import type { H2Error } from './frame.ts';
import type { Sender } from './sender.ts';
import type { Http2Stream } from './stream.ts';

export interface StreamHome {
  readonly peer: Peer;
  readonly path: RequestPath;
  readonly clock: LaneClock;
  readonly sender: Sender;
  /** Value of the Date field now. */
  readonly date: string;
  /** Octets of a request were taken out of the connection's window. */
  onTaken(bytes: number): void;
  /** Tells the client that a stream is over before its time. */
  reset(streamId: number, code: H2Error): void;
  /** The gateway has nothing more to ask of a stream; it may still have to send. */
  onStreamSettled(): void;
  /** Takes no further streams. */
  drain(): void;
  /** Both sides are done with it. */
  onStreamClosed(stream: Http2Stream): void;
}
