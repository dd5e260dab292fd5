/**
 * A worker's own copy of the table and the pools, brought up to date by control's messages. What stays the same keeps its
 * objects: a change of one set costs another neither a connection nor a count, and an activation that a new control knows
 * as well keeps its Upstream. While no control speaks, everything stays as it was.
 */
import type { SetKey } from '#core/set';
import type { Pool } from '#router/pool';
import type { RouteTable } from '#router/route-table';
import { Upstream } from '#router/upstream';
import type { CountReporter } from './count-reporter.ts';
import { activationOf, type CarriedUpstream, type ToWorker, type UpstreamPicture } from './messages.ts';

/** An upstream that the worker knows. */
export interface KnownUpstream {
  /** Given by the control that speaks now; null: it has not named it. */
  id: number | null;
  readonly upstream: Upstream;
  readonly pool: Pool;
  readonly activation: string;
}

export interface TableCopyOptions {
  readonly table: RouteTable;
  readonly reporter: CountReporter;
}

export class TableCopy {
  readonly #table: RouteTable;
  readonly #reporter: CountReporter;
  readonly #byId = new Map<number, KnownUpstream>();
  readonly #byUpstream = new Map<Upstream, KnownUpstream>();
  /** Those that left their pool with requests in flight. */
  #leaving = new Set<KnownUpstream>();
  /** What only an earlier control named: by activation. Those that left their pool are kept for their counts. */
  readonly #left = new Map<string, KnownUpstream[]>();
  /** Sets that only an earlier control named. */
  #unconfirmed = new Set<SetKey>();

  constructor(options: TableCopyOptions) {
    this.#table = options.table;
    this.#reporter = options.reporter;
  }

  find(id: number): KnownUpstream | null {
    return this.#byId.get(id) ?? null;
  }

  idOf(upstream: Upstream): number | null {
    return this.#byUpstream.get(upstream)?.id ?? null;
  }

  /** Another control speaks from now on. Returns what the worker has from before. */
  carry(): CarriedUpstream[] {
    this.#unconfirmed = new Set([...this.#table.pools()].map((pool) => pool.key));
    const all = [...this.#left.values(), [...this.#byId.values(), ...this.#leaving]].flat();
    this.#byId.clear();
    this.#leaving.clear();
    this.#left.clear();
    this.#reporter.rest();
    for (const known of all) {
      if (known.upstream.removed && known.upstream.inFlight === 0) continue;
      known.id = null;
      this.#left.set(known.activation, [...(this.#left.get(known.activation) ?? []), known]);
    }
    return [...this.#left].map(([activation, left]) => ({
      activation,
      inFlight: left.reduce((sum, { upstream }) => sum + upstream.inFlight, 0),
      slots: left.reduce((sum, { upstream }) => sum + upstream.slots, 0),
    }));
  }

  take(message: ToWorker): void {
    switch (message.kind) {
      case 'set':
        this.#unconfirmed.delete(message.set);
        this.#table.apply({ key: message.set, policy: message.policy, routes: message.routes });
        break;
      case 'set-gone':
        this.#table.remove(message.set);
        break;
      case 'up':
        this.#up(message.upstream);
        break;
      case 'changed':
        this.#changed(message);
        break;
      case 'down':
        this.#down(message.id);
        break;
      case 'sweep':
        for (const key of this.#unconfirmed) this.#table.remove(key);
        this.#unconfirmed.clear();
        for (const left of this.#left.values()) for (const known of left) this.#remove(known);
        break;
      case 'elsewhere':
        for (const [id, inFlight] of message.counts) {
          const known = this.#byId.get(id);
          if (known !== undefined) known.upstream.elsewhere = inFlight;
        }
        break;
      default:
    }
  }

  /** Gives a replica nothing that only an earlier control named. Returns what is in flight to it from then. */
  clear(replica: string): Upstream[] {
    const remaining: Upstream[] = [];
    for (const known of [...this.#left.values()].flat()) {
      if (known.upstream.replica !== replica) continue;
      this.#remove(known);
      if (known.upstream.inFlight > 0) remaining.push(known.upstream);
    }
    return remaining;
  }

  /** An upstream did not answer. One that only an earlier control named is gone: nobody watches its health. */
  suspect(upstream: Upstream): void {
    const known = this.#byUpstream.get(upstream);
    if (known !== undefined && known.id === null) this.#remove(known);
  }

  #up(picture: UpstreamPicture): void {
    const pool = this.#table.pool(picture.set);
    if (pool === undefined || this.#byId.has(picture.id)) return;
    const activation = activationOf(picture);
    const left = this.#left.get(activation) ?? [];
    this.#left.delete(activation);
    const known = left.find((one) => !one.upstream.removed && one.pool === pool) ?? this.#add(picture, pool);
    known.id = picture.id;
    this.#byId.set(picture.id, known);
    // Control counts for this activation what was carried: whatever of it ends is told under its new number.
    for (const one of left) {
      this.#reporter.goOn(one.upstream, picture.id);
      if (one !== known) this.#leaving.add(one);
    }
    if (!left.includes(known)) this.#reporter.follow(known.upstream, pool, picture.id);
    // What served all the while goes on until the new control has a verdict of its own.
    if (picture.health !== 'unknown') pool.setHealth(known.upstream, picture.health);
    pool.drain(known.upstream, picture.draining);
    pool.weigh(known.upstream, picture.weight);
  }

  #add(picture: UpstreamPicture, pool: Pool): KnownUpstream {
    const { replica, name, endpoints, revision, weight, run } = picture;
    const upstream = new Upstream({ id: replica, name, endpoints, revision, weight, startedAt: run });
    upstream.slots = 0;
    const known = { id: picture.id, upstream, pool, activation: activationOf(picture) };
    this.#byUpstream.set(upstream, known);
    pool.add(upstream);
    return known;
  }

  #changed({ id, health, draining, weight }: Extract<ToWorker, { kind: 'changed' }>): void {
    const known = this.#byId.get(id);
    if (known === undefined) return;
    known.pool.weigh(known.upstream, weight);
    known.pool.drain(known.upstream, draining);
    known.pool.setHealth(known.upstream, health);
  }

  #down(id: number): void {
    const known = this.#byId.get(id);
    if (known === undefined) return;
    this.#byId.delete(id);
    this.#remove(known);
    for (const one of this.#leaving) if (one.upstream.inFlight === 0) this.#leaving.delete(one);
    this.#leaving.add(known);
  }

  #remove(known: KnownUpstream): void {
    known.pool.remove(known.upstream);
    this.#byUpstream.delete(known.upstream);
    this.#reporter.retire(known.upstream);
  }
}
