/** Plans: how much a tenant may have, and what its sets may ask of a host beyond an ordinary container. */

/** What is counted. `cpu` in cores, `memory` in bytes: of all replicas that sets may come to. */
export const QUOTA_RESOURCES = ['apps', 'sets', 'replicas', 'cpu', 'memory', 'domains', 'tokens', 'secrets'] as const;
export type QuotaResource = (typeof QUOTA_RESOURCES)[number];

export type Amounts = Readonly<Record<QuotaResource, number>>;
/** Null: as much as there is. */
export type Limits = Readonly<Record<QuotaResource, number | null>>;

/** What a set of the tenant may ask for; each but the last two gives it the host. */
export const ALLOWANCES = [
  'privileged',
  'host_namespaces',
  'binds',
  'capabilities',
  'devices',
  'publish_ports',
  'sysctls',
] as const;
export type Allowance = (typeof ALLOWANCES)[number];
export type Allowances = Readonly<Record<Allowance, boolean>>;

/** How many sleeping sets may be started: in a minute, and at a time; null: as many as the machine takes. */
export interface WakeLimits {
  readonly perMinute: number | null;
  readonly atOnce: number | null;
}

export const NO_WAKE_LIMITS: WakeLimits = { perMinute: null, atOnce: null };

export interface Plan {
  readonly name: string;
  readonly limits: Limits;
  readonly allowances: Allowances;
  /** Not there: no limits. */
  readonly wakes?: WakeLimits;
}

export const NOTHING_USED: Amounts = amounts(0);
export const NO_LIMITS: Limits = amounts(null);

export const ORDINARY: Allowances = {
  privileged: false,
  host_namespaces: false,
  binds: false,
  capabilities: false,
  devices: false,
  publish_ports: true,
  sysctls: true,
};

/** What gives a container the host. */
export const EVERYTHING: Allowances = {
  privileged: true,
  host_namespaces: true,
  binds: true,
  capabilities: true,
  devices: true,
  publish_ports: true,
  sysctls: true,
};

/** Plans that are always there, and stay as they are. */
export const BUILT_IN_PLANS: readonly Plan[] = [
  { name: 'unlimited', limits: NO_LIMITS, allowances: ORDINARY },
  { name: 'trusted', limits: NO_LIMITS, allowances: EVERYTHING },
];

/** The plan of the tenant `default`, and of tenants that were made without naming one. */
export const DEFAULT_PLAN = 'unlimited';

function amounts<T>(value: T): Readonly<Record<QuotaResource, T>> {
  return Object.fromEntries(QUOTA_RESOURCES.map((resource) => [resource, value])) as Record<QuotaResource, T>;
}
