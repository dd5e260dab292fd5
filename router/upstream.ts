/**
 * An upstream: one activation of one replica that the gateway may dial. It holds what balancing needs (health, requests
 * in flight) and nothing of the connection. A replica that sleeps and wakes comes back as a new Upstream, so that
 * connections kept from before its sleep are never used again.
 */
import type { Endpoint, ReplicaSnapshot } from '#core/set';
import { type HealthState, UNKNOWN_HEALTH } from './health.ts';

export class Upstream {
  /** `<host>/<container id>`. */
  readonly replica: string;
  readonly name: string;
  readonly endpoints: readonly Endpoint[];
  readonly revision: string | null;
  readonly weight: number;
  /** Short, stable and opaque: names the replica in a cookie without giving its address away. */
  readonly tag: string;
  /** Seed of rendezvous hashing: the same for every activation of a replica. */
  readonly seed: number;

  /** Requests and streams it serves now. Written by its Pool alone. */
  inFlight = 0;
  /** Written by its Pool alone. */
  health: HealthState = UNKNOWN_HEALTH;
  /** Takes nothing new; what is in flight is finished. Written by its Pool alone. */
  draining = false;
  /** No longer in its pool. Connections to it are closed as soon as they are idle. */
  removed = false;

  constructor(replica: ReplicaSnapshot) {
    this.replica = replica.id;
    this.name = replica.name;
    this.endpoints = replica.endpoints;
    this.revision = replica.revision;
    this.weight = replica.weight;
    this.seed = hashText(replica.id);
    this.tag = this.seed.toString(36);
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
