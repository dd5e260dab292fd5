/**
 * Which hostnames a set may serve: those of its labels, as far as they are trusted and nobody else has proved that they are
 * his, and those of the verified domains that are bound to it. Whoever has proved a hostname has it, whoever came first.
 */
import type { EventSink } from '#core/event';
import type { RouteSpec, SetKey, SetSnapshot } from '#core/set';
import { setKey } from '#core/set';

/** What is known of domains. */
export interface ProvedHostnames {
  /** Tenant of the verified domain that covers the hostname (maybe a wildcard); null: nobody has proved it. */
  ownerOf(hostname: string): string | null;
  /** Of all verified domains. */
  routes(): Iterable<DomainRoute>;
}

export interface DomainRoute {
  readonly tenant: string;
  readonly app: string;
  /** Null: the app's main one. */
  readonly set: string | null;
  readonly hostname: string;
  readonly path: string;
}

/** Operators deploy there unless they name another. */
const OPERATORS_TENANT = 'default';

export interface DomainRoutesOptions {
  readonly proved: ProvedHostnames;
  readonly labelTrust: 'all' | 'verified';
  readonly baseDomain: string;
  readonly emit: EventSink;
  /** Puts a set's routes in force. */
  readonly apply: (snapshot: SetSnapshot) => void;
}

/** The set that an app's hostname leads to. */
const MAIN_SET = 'web';

export class DomainRoutes {
  readonly #options: DomainRoutesOptions;
  /** As discovered. */
  readonly #sets = new Map<SetKey, SetSnapshot>();
  readonly #applied = new Map<SetKey, readonly RouteSpec[]>();
  /** What was refused and told, by set. */
  readonly #refused = new Map<SetKey, ReadonlySet<string>>();
  /** Of verified domains, by app: `<tenant>/<app>`. */
  #bound = new Map<string, DomainRoute[]>();

  constructor(options: DomainRoutesOptions) {
    this.#options = options;
  }

  /** A set as it was discovered. Routes of its app that lead to a main set may move with it. */
  observe(snapshot: SetSnapshot): void {
    const isNew = !this.#sets.has(snapshot.key);
    this.#sets.set(snapshot.key, snapshot);
    if (isNew && this.#boundTo(snapshot).length > 0) this.#applySiblings(snapshot);
    this.#apply(snapshot);
  }

  forget(key: SetKey): void {
    const snapshot = this.#sets.get(key);
    this.#sets.delete(key);
    this.#applied.delete(key);
    this.#refused.delete(key);
    if (snapshot !== undefined && this.#boundTo(snapshot).length > 0) this.#applySiblings(snapshot);
  }

  /** Domains have changed: what is not allowed any more goes first, so that its new owner finds it free. */
  refresh(): void {
    this.#bound = new Map();
    for (const route of this.#options.proved.routes()) {
      const app = `${route.tenant}/${route.app}`;
      const routes = this.#bound.get(app) ?? [];
      routes.push(route);
      this.#bound.set(app, routes);
    }
    const changed = [...this.#sets.values()].filter(
      (one) => !sameRoutes(this.#applied.get(one.key), this.#routesOf(one)),
    );
    const loses = (one: SetSnapshot): boolean => {
      const after = this.#routesOf(one);
      return (this.#applied.get(one.key) ?? []).some((spec) => !after.some((other) => sameClaim(spec, other)));
    };
    for (const one of changed.filter(loses)) this.#apply(one);
    for (const one of changed) if (!sameRoutes(this.#applied.get(one.key), this.#routesOf(one))) this.#apply(one);
  }

  #apply(snapshot: SetSnapshot): void {
    const routes = this.#routesOf(snapshot);
    this.#applied.set(snapshot.key, routes);
    this.#tellRefused(snapshot);
    this.#options.apply({ ...snapshot, routes });
  }

  #applySiblings({ key, tenant, app }: SetSnapshot): void {
    for (const one of this.#sets.values()) {
      if (one.key === key || one.tenant !== tenant || one.app !== app) continue;
      if (!sameRoutes(this.#applied.get(one.key), this.#routesOf(one))) this.#apply(one);
    }
  }

  #routesOf(snapshot: SetSnapshot): readonly RouteSpec[] {
    const routes = snapshot.routes.filter((spec) => this.#refusal(snapshot, spec.hostname) === null);
    for (const { set, hostname, path } of this.#boundTo(snapshot)) {
      const spec: RouteSpec = { hostname, path, strip: false, port: null };
      const isHere = this.#keyOf(snapshot, set) === snapshot.key;
      if (isHere && !routes.some((one) => sameClaim(one, spec))) routes.push(spec);
    }
    return routes;
  }

  #boundTo({ tenant, app }: Pick<SetSnapshot, 'tenant' | 'app'>): readonly DomainRoute[] {
    return this.#bound.get(`${tenant}/${app}`) ?? [];
  }

  /** The set that a domain leads to: the one it names, the main one, or the only one there is. */
  #keyOf({ tenant, app }: SetSnapshot, set: string | null): SetKey | null {
    if (set !== null) return setKey(tenant, app, set);
    const main = setKey(tenant, app, MAIN_SET);
    if (this.#sets.has(main)) return main;
    const sets = [...this.#sets.values()].filter((one) => one.tenant === tenant && one.app === app);
    return sets.length === 1 ? (sets[0]?.key ?? null) : null;
  }

  /** Why labels of the set may not have the hostname; null: they may. */
  #refusal({ tenant, app, set, shares }: SetSnapshot, hostname: string): string | null {
    const { proved, baseDomain } = this.#options;
    // Who labels a container has the host; a tenant with a token has not.
    const isTenants = shares !== undefined && tenant !== OPERATORS_TENANT;
    const labelTrust = isTenants ? 'verified' : this.#options.labelTrust;
    const owner = proved.ownerOf(hostname);
    if (owner === tenant) return null;
    if (owner !== null) return 'another tenant has verified it';
    if (labelTrust === 'all') return null;
    const own = [`${app}.${baseDomain}`, `${set}--${app}.${baseDomain}`, `${tenant}.${baseDomain}`];
    if (own.includes(hostname) || hostname.endsWith(`.${tenant}.${baseDomain}`)) return null;
    return isTenants
      ? 'it is neither under the name of the tenant nor a domain that it has verified'
      : 'TIDEGATE_LABEL_TRUST is verified, and it is no verified domain of the tenant';
  }

  /** Each claim once, until it is allowed or gone. */
  #tellRefused(snapshot: SetSnapshot): void {
    const { key, tenant, app, set } = snapshot;
    const before = this.#refused.get(key);
    const refused = new Set<string>();
    for (const { hostname, path } of snapshot.routes) {
      const reason = this.#refusal(snapshot, hostname);
      if (reason === null) continue;
      const claim = `${hostname}${path}`;
      refused.add(claim);
      if (before?.has(claim) === true) continue;
      this.#options.emit({
        type: 'route.refused',
        ...{ tenant, app, set },
        cause: `${claim} is not served: ${reason}`,
        data: { hostname, path },
      });
    }
    if (refused.size > 0) this.#refused.set(key, refused);
    else this.#refused.delete(key);
  }
}

function sameClaim(a: RouteSpec, b: RouteSpec): boolean {
  return a.hostname === b.hostname && a.path === b.path;
}

function sameRoutes(a: readonly RouteSpec[] | undefined, b: readonly RouteSpec[]): boolean {
  return (
    a !== undefined &&
    a.length === b.length &&
    a.every((spec, i) => {
      const other = b[i];
      return other !== undefined && sameClaim(spec, other) && spec.strip === other.strip && spec.port === other.port;
    })
  );
}
