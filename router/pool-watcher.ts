/** Who is told of what happens to a pool: the scaler, the workers, the connections kept to its upstreams. */
import type { Pool } from './pool.ts';
import type { Upstream } from './upstream.ts';

/** Told of what happens to a pool. Called synchronously; must not throw. */
export interface PoolWatcher {
  /** An upstream was added. */
  onAdded?(pool: Pool, upstream: Upstream): void;
  /** Health of an upstream, whether it drains, or its weight became another. */
  onChanged?(pool: Pool, upstream: Upstream): void;
  /** An upstream was claimed or released for the first time since its `touched` was set back. */
  onTouched?(pool: Pool, upstream: Upstream): void;
  /** An upstream may take more than before: one became ready, or one at its limit finished a request. */
  onRoom?(pool: Pool): void;
  /** The last request in flight ended. */
  onIdle?(pool: Pool): void;
  /** A draining upstream finished its last request. */
  onDrained?(upstream: Upstream): void;
  /** An upstream left for good: close the connections kept to it. */
  onRemoved?(upstream: Upstream): void;
  /** A request found the upstream unable to answer (connect refused or reset): it wants a look. */
  onSuspect?(pool: Pool, upstream: Upstream): void;
  /** A replica said that it is at work for so long yet, requests or not. @param replica `<host>/<container id>` */
  onLeased?(pool: Pool, replica: string, forMs: number): void;
}
