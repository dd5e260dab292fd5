/**
 * What a tenant may see of the sets that are known. The tenant is part of every question, so no handler can forget it.
 */
import { nearest } from '#core/nearest';
import { setKey } from '#core/set';
import type { AdminPorts } from './ports.ts';
import { Problem } from './problem.ts';
import { type ConditionJson, conditionsOf } from './set-conditions.ts';
import { askedScale } from './spec-scale.ts';
import type { KnownSet } from './views.ts';

/** Names compared for "did you mean": comparing takes time that everybody else waits for. */
const CANDIDATES_MAX = 1000;

export class KnownSets {
  readonly #sets: AdminPorts['sets'];
  readonly #scaling: AdminPorts['scaling'];
  readonly #made: AdminPorts['apps'];
  readonly #hosts: AdminPorts['hosts'];

  constructor(ports: Pick<AdminPorts, 'sets' | 'scaling' | 'apps' | 'hosts'>) {
    this.#sets = ports.sets;
    this.#scaling = ports.scaling;
    this.#made = ports.apps;
    this.#hosts = ports.hosts;
  }

  /** Apps of the tenant, each with its sets in the order of their names. */
  apps(tenant: string): ReadonlyMap<string, readonly KnownSet[]> {
    const apps = new Map<string, KnownSet[]>();
    for (const snapshot of this.#sets.all()) {
      if (snapshot.tenant !== tenant) continue;
      const known = this.#known(snapshot);
      const sets = apps.get(snapshot.app);
      if (sets === undefined) apps.set(snapshot.app, [known]);
      else sets.push(known);
    }
    // One that was made and has no sets yet.
    for (const one of this.#made?.library.apps() ?? []) {
      if (one.tenant === tenant && !apps.has(one.name)) apps.set(one.name, []);
    }
    for (const sets of apps.values()) sets.sort((a, b) => (a.snapshot.set < b.snapshot.set ? -1 : 1));
    return apps;
  }

  /** The sets of an app, or why there is none. */
  app(tenant: string, app: string): readonly KnownSet[] | Problem {
    const apps = this.apps(tenant);
    return apps.get(app) ?? missing(`app "${app}"`, app, [...apps.keys()]);
  }

  /** A set, or why there is none. */
  set(tenant: string, app: string, set: string): KnownSet | Problem {
    const snapshot = this.#sets.get(setKey(tenant, app, set));
    if (snapshot !== undefined && snapshot.tenant === tenant) return this.#known(snapshot);
    const siblings = this.app(tenant, app);
    if (siblings instanceof Problem) return siblings;
    const names = siblings.map((one) => one.snapshot.set);
    return missing(`set "${set}" in the app "${app}"`, set, names);
  }

  #known(snapshot: KnownSet['snapshot']): KnownSet {
    const { key, tenant, app, set } = snapshot;
    const apps = this.#made;
    const made = apps?.library.set(tenant, app, set) ?? null;
    const conditions = (): ConditionJson[] =>
      apps === undefined || made === null ? [] : conditionsOf({ apps, hosts: this.#hosts }, made);
    const setting = this.#scaling.setting(key);
    const asked = askedScale(made, setting);
    return { snapshot, live: this.#sets.live(key), setting, asked, made, conditions };
  }
}

function missing(what: string, name: string, known: readonly string[]): Problem {
  const meant = nearest(name, known.slice(0, CANDIDATES_MAX));
  return new Problem('not_found', {
    detail: `This tenant has no ${what}.`,
    fix: meant === null ? [] : [`Did you mean "${meant}"?`],
  });
}
