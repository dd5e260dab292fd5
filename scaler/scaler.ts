/**
 * The scaler: one SetKeeper for every set that discovery shows, the Admitter through which the gateway asks for what
 * sleeps, and the door for people who change the scale.
 */
import type { SetKey, SetSnapshot } from '#core/set';
import { setKey } from '#core/set';
import type { Admission, AdmissionRequest, Admitter, KnockAnswer } from '#router/admission';
import type { Pool } from '#router/pool';
import { HeldSpace } from './held-space.ts';
import { LightSleepers } from './light-sleepers.ts';
import type { ScalerPorts } from './ports.ts';
import { NO_OVERRIDE, type ScaleOverride } from './scale-target.ts';
import { SetKeeper } from './set-keeper.ts';
import type { SetView } from './set-view.ts';
import { SpareClaims } from './spare-claims.ts';
import { ANY_WAKES, WakeBudget } from './wake-budget.ts';
import { type WakeTime, WakeTimes } from './wake-times.ts';

/** How long a set stays awake after a person began to work in one of its containers. */
const TOUCH_MS = 60_000;
/** Sets become known one by one: a dependency is missed only when it has not come by then. */
const MISSING_AFTER_MS = 10_000;

export interface ScalerOptions extends ScalerPorts {
  /** The pool of a set; discovery's snapshots reach the RouteTable before they reach the scaler. */
  readonly pool: (key: SetKey) => Pool | undefined;
  /** Replicas that are kept as sandboxes at most. */
  readonly sandboxesMax: number;
  /** What people asked for before this start. */
  readonly override: (key: SetKey) => ScaleOverride | null;
}

export class Scaler implements Admitter {
  readonly #options: ScalerOptions;
  readonly #keepers = new Map<SetKey, SetKeeper>();
  readonly #space = new HeldSpace();
  readonly #wakes: WakeBudget;
  readonly #times = new WakeTimes();
  /** Dependencies that were reported as not to be followed, so that each is said once. */
  readonly #lamented = new Set<string>();
  /** Sets whose views changed in this turn. */
  readonly #changed = new Set<SetKey>();
  readonly #sleepers: LightSleepers;
  readonly #claims: SpareClaims;
  #closed = false;

  constructor(options: ScalerOptions) {
    this.#options = options;
    this.#sleepers = new LightSleepers({
      sleepers: () => this.#keepers.values(),
      sandboxesMax: options.sandboxesMax,
    });
    const { clock, wakesOf = () => ANY_WAKES } = options;
    this.#wakes = new WakeBudget({ clock, allowanceOf: wakesOf });
    this.#claims = new SpareClaims(clock);
  }

  /** Takes a new picture of a set. */
  observe(snapshot: SetSnapshot): void {
    if (this.#closed) return;
    const known = this.#keepers.get(snapshot.key);
    if (known !== undefined) {
      known.observe(snapshot);
      return;
    }
    const pool = this.#options.pool(snapshot.key);
    if (pool === undefined) return;
    const keeper = new SetKeeper({
      ports: this.#options,
      pool,
      snapshot,
      house: { space: this.#space, wakes: this.#wakes, times: this.#times, claims: this.#claims },
      override: this.#options.override(snapshot.key) ?? NO_OVERRIDE,
      dependencies: (one) => this.#dependenciesOf(one),
      onViewChanged: () => this.#viewChanged(snapshot.key),
    });
    this.#keepers.set(snapshot.key, keeper);
    pool.watch({
      onRoom: () => keeper.release(),
      onSuspect: (_pool, upstream) => keeper.suspect(upstream),
      onDrained: () => keeper.drained(),
      onLeased: (_pool, replica, forMs) => keeper.lease(this.#options.clock.now() + forMs, replica),
    });
    keeper.observe(snapshot);
    for (const other of this.#keepers.values()) {
      const { tenant, app, policy } = other.snapshot;
      if (tenant === snapshot.tenant && app === snapshot.app && policy.depends.includes(snapshot.set))
        other.reconcile();
    }
  }

  /** The set is gone. */
  forget(key: SetKey): void {
    const keeper = this.#keepers.get(key);
    if (keeper === undefined) return;
    this.#keepers.delete(key);
    keeper.dispose();
    this.#viewChanged(key);
  }

  admit(pool: Pool, request: AdmissionRequest, signal: AbortSignal): Promise<Admission> {
    const keeper = this.#keepers.get(pool.key);
    if (keeper === undefined) return Promise.resolve({ outcome: 'stopped', code: 'no_replicas', retryAfterS: 5 });
    return keeper.admit(request, signal);
  }

  /** Waits of requests for wakes since the start. */
  wakeTimes(): readonly WakeTime[] {
    return this.#times.collect();
  }

  knock(pool: Pool): KnockAnswer {
    const keeper = this.#keepers.get(pool.key);
    return keeper === undefined ? { code: 'no_replicas', retryAfterS: 5 } : keeper.knock();
  }

  /** Changes the scale of a set. False when there is no such set. */
  scale(key: SetKey, override: ScaleOverride): boolean {
    const keeper = this.#keepers.get(key);
    keeper?.scale(override);
    return keeper !== undefined;
  }

  /** Keeps every set of an app awake for `ttlMs`. False when there is no such app. */
  lease(tenant: string, app: string, ttlMs: number): boolean {
    const until = this.#options.clock.now() + ttlMs;
    let found = false;
    for (const keeper of this.#keepers.values()) {
      if (keeper.snapshot.tenant !== tenant || keeper.snapshot.app !== app) continue;
      found = true;
      keeper.lease(until);
    }
    return found;
  }

  /** A person is at work in a container (exec): its set is kept awake, and the container thawed if it was frozen. */
  touch(replicaId: string): void {
    const until = this.#options.clock.now() + TOUCH_MS;
    for (const keeper of this.#keepers.values()) if (keeper.touch(replicaId, until)) return;
  }

  /** Memory of a host is short: one set that is frozen there sleeps deeper. Null: there is none. */
  relieve(host: string, cause: string): SetKey | null {
    return this.#sleepers.relieve(host, cause);
  }

  view(key: SetKey): SetView | null {
    return this.#keepers.get(key)?.view() ?? null;
  }

  views(): SetView[] {
    return [...this.#keepers.values()].map((keeper) => keeper.view());
  }

  /**
   * Ends all keeping. Replicas stay as they are; what was frozen behind the Engine's back becomes an Engine pause.
   * @param successor another scaler goes on at once: what is frozen stays so, too
   */
  async close(successor = false): Promise<void> {
    this.#closed = true;
    this.#wakes.close();
    const keepers = [...this.#keepers.values()];
    this.#keepers.clear();
    await Promise.all(keepers.map((keeper) => keeper.close(successor)));
  }

  /** Once per turn, when everything that belongs together has happened. */
  #viewChanged(key: SetKey): void {
    if (this.#changed.has(key)) return;
    this.#changed.add(key);
    queueMicrotask(() => {
      this.#changed.delete(key);
      if (this.#closed) return;
      this.#options.onViewChanged?.(key);
      // Only a set that goes there can make them too many.
      if (this.#keepers.get(key)?.sleep.tier === 'sandbox') this.#sleepers.trim();
    });
  }

  /** A dependency that would close a circle is left out on the side of the greater key, so no set waits for itself. */
  #dependenciesOf(keeper: SetKeeper): SetKeeper[] {
    const found: SetKeeper[] = [];
    for (const name of keeper.snapshot.policy.depends) {
      const { tenant, app } = keeper.snapshot;
      const dependency = this.#keepers.get(setKey(tenant, app, name));
      if (dependency === undefined) {
        if (keeper.ageMs >= MISSING_AFTER_MS)
          this.#lament(keeper, name, `it depends on the set "${name}", which is not there`);
      } else if (dependency === keeper || (keeper.key > dependency.key && this.#reaches(dependency, keeper))) {
        this.#lament(keeper, name, `it depends on "${name}", which depends on it: not followed`);
      } else found.push(dependency);
    }
    return found;
  }

  #reaches(from: SetKeeper, to: SetKeeper, seen = new Set<SetKeeper>()): boolean {
    if (from === to) return true;
    if (seen.has(from)) return false;
    seen.add(from);
    const { tenant, app, policy } = from.snapshot;
    return policy.depends.some((name) => {
      const next = this.#keepers.get(setKey(tenant, app, name));
      return next !== undefined && this.#reaches(next, to, seen);
    });
  }

  #lament(keeper: SetKeeper, dependency: string, cause: string): void {
    const id = `${keeper.key} ${dependency} ${cause}`;
    if (this.#lamented.has(id)) return;
    this.#lamented.add(id);
    const { tenant, app, set } = keeper.snapshot;
    this.#options.emit({ type: 'set.dependency', tenant, app, set, cause, data: { dependency } });
  }
}
