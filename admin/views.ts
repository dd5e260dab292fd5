/** Apps, sets and replicas as the API shows them: pure translation of what is known. */
import type { SetRecord } from '#apps/app-record';
import type { MemberSnapshot, ReplicaSnapshot, RouteSpec, SetSnapshot } from '#core/set';
import { policyJson } from './policy-shape.ts';
import type { LiveReplica, LiveScaling, LiveSet, ScaleSetting } from './ports.ts';
import type { ConditionJson } from './set-conditions.ts';
import type { AppJson, ReplicaJson, ScaleJson, SetJson } from './shapes.ts';

/** A set with what is known of it beside its snapshot. */
export interface KnownSet {
  readonly snapshot: SetSnapshot;
  /** Null: discovered, but not kept yet. */
  readonly live: LiveSet | null;
  /** Beside labels and spec. */
  readonly setting: ScaleSetting | null;
  /** What whoever scaled it asked for, wherever it is kept; null: nothing. */
  readonly asked: ScaleSetting | null;
  /** As it was made through the API; null: it is found by labels alone. */
  readonly made: SetRecord | null;
  /** Asked for when it is shown: most are not. */
  readonly conditions: () => ConditionJson[];
}

/** From awake to asleep. */
const TIERS = ['running', 'frozen', 'sandbox', 'stopped'] as const;
type Tier = (typeof TIERS)[number];

const TIER_OF_PHASE: Readonly<Record<string, Tier>> = {
  frozen: 'frozen',
  sandbox: 'sandbox',
  stopped: 'stopped',
  failed: 'stopped',
};

export function appJson(name: string, tenant: string, sets: readonly KnownSet[]): AppJson {
  return {
    name,
    tenant,
    hostnames: hostnamesOf(sets),
    sets: sets.map((known) => ({
      name: known.snapshot.set,
      state: stateOf(known),
      tier: tierOfSet(known),
      ready: known.live?.ready ?? 0,
      replicas: known.snapshot.replicas.length,
      hostnames: hostnamesOf([known]),
      conditions: known.conditions(),
    })),
  };
}

function hostnamesOf(sets: readonly KnownSet[]): string[] {
  return [...new Set(sets.flatMap(({ snapshot }) => snapshot.routes.map((route) => route.hostname)))].sort();
}

export function setJson(known: KnownSet): SetJson {
  const { snapshot, live } = known;
  return {
    name: snapshot.set,
    app: snapshot.app,
    tenant: snapshot.tenant,
    state: stateOf(known),
    tier: tierOfSet(known),
    ready: live?.ready ?? 0,
    in_flight: live?.inFlight ?? 0,
    held: live?.held ?? 0,
    leased_until: typeof live?.leasedUntil === 'number' ? new Date(live.leasedUntil).toISOString() : null,
    scale: scaleJson(known),
    routes: snapshot.routes.map(({ hostname, path, strip, port }) => ({
      hostname,
      path,
      match: matchOf({ hostname }),
      strip,
      port,
    })),
    replicas: snapshot.replicas.map((replica) => replicaJson(replica, liveReplica(live, replica.id))),
    policy: policyJson(snapshot.policy),
    conditions: known.conditions(),
  };
}

export function scaleJson({ snapshot, live, asked }: KnownSet): ScaleJson {
  const labels = { min: snapshot.policy.scale.min, max: snapshot.policy.scale.max };
  const target = live?.target ?? { ...labels, awake: Math.max(1, labels.min) };
  return {
    min: target.min,
    max: target.max,
    replicas: target.awake,
    ready: live?.ready ?? 0,
    override: asked === null ? null : { ...asked, at: new Date(asked.at).toISOString() },
    labels,
    load: live === null || live.scaling === null ? null : loadJson(live.scaling),
  };
}

function loadJson({ desired, metric, isPanicking, concurrency, rps, serviceMs }: LiveScaling): ScaleJson['load'] {
  const rounded = (value: number): number => Math.round(value * 100) / 100;
  return {
    ...{ desired, metric, panic: isPanicking, concurrency: rounded(concurrency), rps: rounded(rps) },
    service_ms: serviceMs === null ? null : rounded(serviceMs),
  };
}

export function matchOf(route: Pick<RouteSpec, 'hostname'>): 'exact' | 'wildcard' {
  return route.hostname.startsWith('*.') ? 'wildcard' : 'exact';
}

export function stateOf({ snapshot, live }: Pick<KnownSet, 'snapshot' | 'live'>): string {
  return live?.state ?? (snapshot.replicas.length === 0 ? 'absent' : 'unknown');
}

export function liveReplica(live: LiveSet | null, id: string): LiveReplica | null {
  return live?.replicas.find((one) => one.id === id) ?? null;
}

/** What a replica does now: as it is kept, else as the Engine says. */
export function phaseOf(replica: ReplicaSnapshot, live: LiveReplica | null): string {
  return live?.phase ?? replica.status;
}

function replicaJson(replica: ReplicaSnapshot, live: LiveReplica | null): ReplicaJson {
  return {
    id: replica.id,
    name: replica.name,
    host: replica.host,
    container_id: replica.containerId,
    phase: phaseOf(replica, live),
    tier: tierOf(replica, live),
    in_flight: live?.inFlight ?? 0,
    revision: replica.revision,
    weight: replica.weight,
    clone: replica.cloneOf !== null,
    created_at: new Date(replica.createdAt).toISOString(),
    started_at: replica.startedAt,
    exit_code: replica.exitCode,
    unroutable: replica.unroutable,
    failures: live?.failures ?? 0,
    failure: live?.failure ?? null,
    members: (replica.members ?? []).map(memberJson),
  };
}

function memberJson(member: MemberSnapshot): ReplicaJson['members'][number] {
  return {
    index: member.index,
    name: member.name,
    container_id: member.containerId,
    image: member.image,
    status: member.status,
    started_at: member.startedAt,
    exit_code: member.exitCode,
    oom_killed: member.oomKilled,
  };
}

function tierOf(replica: ReplicaSnapshot, live: LiveReplica | null): Tier {
  if (live !== null) return TIER_OF_PHASE[live.phase] ?? 'running';
  if (replica.status === 'paused') return 'frozen';
  if (replica.isSandbox === true) return 'sandbox';
  return replica.status === 'running' || replica.status === 'stopping' || replica.status === 'restarting'
    ? 'running'
    : 'stopped';
}

function tierOfSet({ snapshot, live }: KnownSet): Tier | 'absent' {
  const tiers = snapshot.replicas.map((replica) => tierOf(replica, liveReplica(live, replica.id)));
  return TIERS.find((tier) => tiers.includes(tier)) ?? 'absent';
}
