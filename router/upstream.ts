/**
 * An upstream: one activation of one replica that the gateway may dial. It holds what balancing needs (health, requests
 * in flight) and nothing of the connection. A replica that sleeps and wakes comes back as a new Upstream, so that
 * connections kept from before its sleep are never used again.
 */
import type { Endpoint, ReplicaSnapshot } from '#core/set';
import { type HealthState, UNKNOWN_HEALTH } from './health.ts';
import type { OutlierRecord } from './outlier.ts';

/** What makes an upstream out of a replica. */
export type UpstreamFacts = Pick<ReplicaSnapshot, 'id' | 'name' | 'endpoints' | 'revision' | 'weight' | 'startedAt'>;

export class Upstream {
  /** `<host>/<container id>`. */
  readonly replica: string;
  readonly name: string;
  readonly endpoints: readonly Endpoint[];
  readonly revision: string | null;
  /** Of its revision among all. Written by its Pool alone. */
  weight: number;
  /** Short, stable and opaque: names the replica in a cookie without giving its address away. */
  readonly tag: string;
  /** Seed of rendezvous hashing: the same for every activation of a replica. */
  readonly seed: number;
  /** The run of the container it belongs to: the Engine's own text. */
  readonly run: string | null;

  /** Requests and streams it serves now. Written by its Pool alone. */
  inFlight = 0;
  /** Written by its Pool alone. */
  health: HealthState = UNKNOWN_HEALTH;
  /** Monotonic ms since which it is ready; null: it is not. Written by its Pool alone. */
  readySince: number | null = null;
  /** Of its answers, once somebody asks for that. Written by its Pool alone. */
  outlier: OutlierRecord | null = null;
  /** Takes nothing new; what is in flight is finished. Written by its Pool alone. */
  draining = false;
  /** No longer in its pool. Connections to it are closed as soon as they are idle. */
  removed = false;
  /** Claims since it came into being. Written by its Pool alone. */
  claims = 0;
  /** Requests that other processes have in flight to it: balancing goes by the sum. */
  elsewhere = 0;
  /** Room that other processes were promised and do not use now: it counts against the limit. Written by its Pool. */
  reserved = 0;
  /** Requests at a time this process may give it where the policy sets a limit; infinite: as many as the limit says. */
  slots = Number.POSITIVE_INFINITY;
  /** Claimed or released since somebody looked at its counts last; they set it back to false. */
  touched = false;
  /** Likewise, by a request that counts as use of the set. */
  loud = false;

  constructor(replica: UpstreamFacts) {
    this.replica = replica.id;
    this.name = replica.name;
    this.endpoints = replica.endpoints;
    this.revision = replica.revision;
    this.weight = replica.weight;
    this.seed = hashText(replica.id);
    this.tag = this.seed.toString(36);
    this.run = replica.startedAt;
  }

  /** It may take requests, if it is not full. */
  get isReady(): boolean {
    return this.health.health === 'healthy' && !this.draining;
  }

  /** Whether it has as many requests as it may have. `limit`: at a time; 0: none. */
  isFull(limit: number): boolean {
    return limit > 0 && this.inFlight + this.reserved >= Math.min(limit, this.slots);
  }

  /** It is full here, and whoever gives out slots may know of room. */
  lacksSlots(limit: number): boolean {
    return this.slots < limit && this.isFull(limit);
  }

  /** Where to dial for a route's container port (null: the main port), or null when that port cannot be reached. */
  endpoint(port: number | null): Endpoint | null {
    if (port === null) return this.endpoints[0] ?? null;
    for (const endpoint of this.endpoints) if (endpoint.port === port) return endpoint;
    return null;
  }
}

/** FNV-1a over the UTF-16 units of a text, 32 bits, unsigned. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
