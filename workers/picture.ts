/**
 * Control's picture for the workers: watches its table and pools, says every change as a small message in the order it
 * happened, and can draw the whole for a worker that comes later. A change of one set names that set alone.
 */
import type { SetKey, SetSnapshot } from '#core/set';
import type { Pool } from '#router/pool';
import type { RouteConflict } from '#router/route-table';
import type { Upstream } from '#router/upstream';
import { activationOf, type ToWorker, type UpstreamPicture } from './messages.ts';

/** An upstream under the id by which the workers know it. */
export interface NumberedUpstream {
  readonly id: number;
  readonly upstream: Upstream;
  readonly pool: Pool;
  readonly activation: string;
}

export interface PictureOptions {
  /** Says a change to every worker that has been told what was before it. */
  readonly say: (message: ToWorker) => void;
  /** Called before the workers hear of it. */
  readonly onUp: (numbered: NumberedUpstream) => void;
  /** Called after it was said. */
  readonly onDown: (numbered: NumberedUpstream) => void;
}

type Claims = Pick<SetSnapshot, 'policy' | 'routes'>;

export class Picture {
  readonly #options: PictureOptions;
  readonly #sets = new Map<SetKey, Claims>();
  readonly #upstreams = new Map<Upstream, NumberedUpstream>();
  #lastId = 0;

  constructor(options: PictureOptions) {
    this.#options = options;
  }

  /** The number of an upstream that is in a pool; null: it is in none. */
  of(upstream: Upstream): NumberedUpstream | null {
    return this.#upstreams.get(upstream) ?? null;
  }

  apply({ key, policy, routes }: Pick<SetSnapshot, 'key' | 'policy' | 'routes'>): void {
    const before = this.#sets.get(key);
    const claims = { policy, routes };
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(claims)) return;
    this.#sets.set(key, claims);
    this.#options.say({ kind: 'set', set: key, ...claims });
  }

  remove(key: SetKey): void {
    if (this.#sets.delete(key)) this.#options.say({ kind: 'set-gone', set: key });
  }

  /** Follows a pool for as long as it lives. */
  watch(pool: Pool): void {
    pool.watch({
      onAdded: (_pool, upstream) => this.#added(pool, upstream),
      onChanged: (_pool, upstream) => this.#changed(upstream),
      onRemoved: (upstream) => this.#removed(upstream),
    });
  }

  /**
   * Everything as it is now, in messages.
   * @param conflicts claims that others hold: they are made after those of their holders, whoever came first
   */
  *whole(conflicts: Iterable<RouteConflict>): Generator<ToWorker> {
    const contested = new Map<SetKey, Set<string>>();
    for (const { claimant, hostname, path } of conflicts) {
      const claims = contested.get(claimant) ?? new Set();
      contested.set(claimant, claims.add(`${hostname}${path}`));
    }
    for (const [set, { policy, routes }] of this.#sets) {
      const lost = contested.get(set);
      const held = lost === undefined ? routes : routes.filter((one) => !lost.has(`${one.hostname}${one.path}`));
      yield { kind: 'set', set, policy, routes: held };
    }
    for (const set of contested.keys()) {
      const claims = this.#sets.get(set);
      if (claims !== undefined) yield { kind: 'set', set, ...claims };
    }
    for (const numbered of this.#upstreams.values()) yield { kind: 'up', upstream: pictureOf(numbered) };
  }

  #added(pool: Pool, upstream: Upstream): void {
    const { replica, run, endpoints } = upstream;
    const numbered = { id: ++this.#lastId, upstream, pool, activation: activationOf({ replica, run, endpoints }) };
    this.#upstreams.set(upstream, numbered);
    this.#options.onUp(numbered);
    this.#options.say({ kind: 'up', upstream: pictureOf(numbered) });
  }

  #changed(upstream: Upstream): void {
    const numbered = this.#upstreams.get(upstream);
    if (numbered === undefined) return;
    const { id } = numbered;
    const { draining, weight } = upstream;
    this.#options.say({ kind: 'changed', id, health: upstream.health.health, draining, weight });
  }

  #removed(upstream: Upstream): void {
    const numbered = this.#upstreams.get(upstream);
    if (numbered === undefined) return;
    this.#upstreams.delete(upstream);
    this.#options.say({ kind: 'down', id: numbered.id });
    this.#options.onDown(numbered);
  }
}

function pictureOf({ id, pool, upstream }: NumberedUpstream): UpstreamPicture {
  const { replica, name, endpoints, revision, weight, run, draining } = upstream;
  const { health } = upstream.health;
  return { id, set: pool.key, replica, name, endpoints, revision, weight, run, health, draining };
}
