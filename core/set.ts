/**
 * What is known about a set: its identity, its policy (from labels or the API) and the replicas seen on the hosts. A
 * SetSnapshot is a whole, immutable picture of one set; every change comes as a new one.
 */
import { type EdgePolicy, NO_EDGE_POLICY, type OutlierPolicy } from './edge-policy.ts';
import type { Schedule } from './schedule.ts';

/** `<tenant>/<app>/<set>`: containers equal in all three are replicas of one set. */
export type SetKey = `${string}/${string}/${string}`;

export function setKey(tenant: string, app: string, set: string): SetKey {
  return `${tenant}/${app}/${set}`;
}

export const SET_CLASSES = ['app', 'data', 'tool', 'disk'] as const;
export type SetClass = (typeof SET_CLASSES)[number];

export const PROTOCOLS = ['http', 'https', 'h2c'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export type LoadBalancing =
  | { readonly kind: 'p2c' | 'least' | 'rr' | 'hash-ip' }
  | { readonly kind: 'hash-header' /** Lower case. */; readonly header: string };

export interface HealthPolicy {
  /** Path of the probe, or null: a TCP connect is the probe. */
  readonly path: string | null;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Passed probes in a row that make an unhealthy upstream healthy. */
  readonly rise: number;
  /** Failed probes in a row that make a healthy upstream unhealthy. */
  readonly fall: number;
  /** Inclusive range of statuses that pass. */
  readonly status: readonly [from: number, to: number];
}

export interface ScalePolicy {
  readonly min: number;
  readonly max: number;
  /** Concurrent requests per replica aimed at. */
  readonly target: number;
  readonly rps: number | null;
  /** Percent. */
  readonly cpu: number | null;
  /** Percent. */
  readonly memory: number | null;
  /** Idle time before replicas are frozen; null: never. */
  readonly pauseMs: number | null;
  /**
   * Idle time before members are stopped while their pause container stays, with network and address; null: never. Of
   * sets that the API deploys.
   */
  readonly sandboxMs: number | null;
  /** Idle time before replicas are stopped; null: never. */
  readonly stopMs: number | null;
  /** Idle time before replicas are removed and only the spec is left; null: never. Of sets that the API deploys. */
  readonly removeMs: number | null;
  /** Longest time that an answer of a replica (`Tidegate-Lease`) keeps its set awake; null: it keeps nothing awake. */
  readonly leaseMs: number | null;
  /**
   * Replicas kept frozen beyond those that are awake, within `max`; `auto`: as many as its bursts ask for, within the memory
   * of hosts as well. Of sets that the API deploys.
   */
  readonly spare: number | 'auto';
  readonly windowMs: number;
  readonly cooldownMs: number;
  /** Times of the week with more replicas at least; empty: none. */
  readonly schedule: Schedule;
  /** Whether replicas are started ahead for load that came at the same time before. */
  readonly predict: boolean;
}

export interface RatePolicy {
  /** Tokens a second. */
  readonly perSecond: number;
  readonly burst: number;
  readonly key: 'ip' | 'set' | { readonly header: string };
}

/** Sends requests that carry a field or cookie to one revision, whatever the weights. */
export interface RevisionMatch {
  readonly kind: 'header' | 'cookie';
  /** Lower case for a header; as it is for a cookie. */
  readonly name: string;
  readonly value: string;
  readonly revision: string;
}

/** How requests choose among the revisions of a set beyond the weights of their replicas. */
export interface RevisionRouting {
  /** The first that fits counts; one whose revision has no ready replica does not fit. */
  readonly matches: readonly RevisionMatch[];
  /** A visitor stays on the revision that was chosen for him, by a cookie of the gateway, while its weight is above 0. */
  readonly sticky: boolean;
}

export interface SetPolicy extends EdgePolicy {
  /** Null: weights alone, each request for itself. */
  readonly revisions: RevisionRouting | null;
  readonly class: SetClass;
  readonly proto: Protocol;
  readonly lb: LoadBalancing;
  readonly sticky: 'off' | 'cookie';
  /** Time over which the share of a newly ready upstream grows to its full size; null: it has that at once. */
  readonly slowStartMs: number | null;
  readonly outlier: OutlierPolicy | null;
  readonly health: HealthPolicy;
  readonly scale: ScalePolicy;
  /** Names of sets of the same app that must be ready first. */
  readonly depends: readonly string[];
  /** Hard limit of requests at a time per replica; 0: none. */
  readonly concurrency: number;
  readonly wake: 'hold' | 'page';
  readonly wakeTimeoutMs: number;
  /** Requests held at most. */
  readonly wakeQueue: number;
  readonly drainMs: number;
  readonly timeout: { readonly connectMs: number; readonly responseMs: number; readonly idleMs: number };
  /** Further tries on other replicas. */
  readonly retry: number;
  readonly rate: RatePolicy | null;
  readonly bodyMaxBytes: number | null;
  readonly tls: 'auto' | 'off' | 'only' | 'passthrough';
}

export const DEFAULT_POLICY: SetPolicy = {
  class: 'app',
  revisions: null,
  proto: 'http',
  lb: { kind: 'p2c' },
  sticky: 'off',
  slowStartMs: null,
  outlier: null,
  health: { path: null, intervalMs: 2000, timeoutMs: 1000, rise: 1, fall: 3, status: [200, 399] },
  scale: {
    min: 1,
    max: 1,
    target: 50,
    rps: null,
    cpu: null,
    memory: null,
    pauseMs: null,
    sandboxMs: null,
    stopMs: 300_000,
    removeMs: null,
    leaseMs: 3_600_000,
    spare: 0,
    windowMs: 60_000,
    cooldownMs: 30_000,
    schedule: [],
    predict: false,
  },
  depends: [],
  concurrency: 0,
  wake: 'hold',
  wakeTimeoutMs: 30_000,
  wakeQueue: 1000,
  drainMs: 30_000,
  timeout: { connectMs: 2000, responseMs: 60_000, idleMs: 300_000 },
  retry: 2,
  rate: null,
  bodyMaxBytes: null,
  tls: 'auto',
  ...NO_EDGE_POLICY,
};

export interface RouteSpec {
  /** Exact (`shop.example.com`) or wildcard (`*.example.com`), normalised. */
  readonly hostname: string;
  /** Path prefix on segment boundaries: starts with `/`, ends without one unless it is `/`. */
  readonly path: string;
  /** Whether the prefix is taken off before the request goes upstream. */
  readonly strip: boolean;
  /** Container port this route goes to; null: the set's main port. */
  readonly port: number | null;
}

/** Where one port of a replica can be dialled. */
export interface Endpoint {
  /** The port as the container knows it. */
  readonly port: number;
  readonly dialHost: string;
  readonly dialPort: number;
}

/**
 * What the Engine says of a container. `stopping`: a stop signal was sent, it has not died yet.
 */
export const CONTAINER_STATUSES = ['created', 'running', 'paused', 'restarting', 'stopping', 'exited', 'dead'] as const;
export type ContainerStatus = (typeof CONTAINER_STATUSES)[number];

/** A container of a replica that Tidegate made, beside its pause container. */
export interface MemberSnapshot {
  readonly index: number;
  readonly name: string;
  readonly containerId: string;
  readonly image: string;
  readonly status: ContainerStatus;
  readonly startedAt: string | null;
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  /** Process id on the host; 0 when not running. */
  readonly pid: number;
}

/**
 * One replica as seen on its host. For a set found by labels a replica is one container; for one that Tidegate made
 * (`members`), the container is the pause container, and status, run, exit code and process are those of the main member.
 */
export interface ReplicaSnapshot {
  /** `<host>/<container id>`. */
  readonly id: string;
  readonly host: string;
  readonly containerId: string;
  readonly name: string;
  readonly status: ContainerStatus;
  /** Ms since the epoch. */
  readonly createdAt: number;
  /** The Engine's own text (it changes with every start), or null before the first. */
  readonly startedAt: string | null;
  /** Exit code of the last run; null while it runs or before the first. */
  readonly exitCode: number | null;
  /** Process id on the host; 0 when not running. */
  readonly pid: number;
  /** The container has a HEALTHCHECK of its own: it is never frozen behind the Engine's back. */
  readonly hasHealthcheck: boolean;
  /** First one is the main port. Empty when not running or nothing can be dialled. */
  readonly endpoints: readonly Endpoint[];
  /** Why nothing can be dialled although it runs, in words; null when all is well. */
  readonly unroutable: string | null;
  readonly revision: string | null;
  /** Static share of traffic among replicas; 0: none. */
  readonly weight: number;
  /** Container id it was cloned from by Tidegate; null: made by its operator. */
  readonly cloneOf: string | null;
  /** Seconds the Engine waits between the stop signal and SIGKILL. */
  readonly stopTimeoutS: number;
  /** How it was made to be looked at, whatever the set says by now. Left out: as the policy of the set says. */
  readonly look?: Pick<HealthPolicy, 'path' | 'status'>;
  /** In the order of their indices; the first is the main one. Left out: the replica is this container alone. */
  readonly members?: readonly MemberSnapshot[];
  /** Its members are down and its pause container is up: network and address are kept. Left out: it is not so. */
  readonly isSandbox?: boolean;
  /** A member of it was taken away: it cannot be started as a whole any more. Left out: it was not. */
  readonly isIncomplete?: boolean;
}

/** The part of one revision in a set that the API deploys. */
export interface RevisionShare {
  /** `r1`, `r2`, … */
  readonly revision: string;
  /** Of its replicas together, among all shares; 0: no traffic. */
  readonly weight: number;
  /** Replicas wanted while the set is awake; null: as many as the scale asks for. */
  readonly replicas: number | null;
  /** Its replicas are kept up whatever the traffic: a deployment has them prove themselves. */
  readonly held: boolean;
}

export interface SetSnapshot {
  readonly key: SetKey;
  readonly tenant: string;
  readonly app: string;
  readonly set: string;
  readonly policy: SetPolicy;
  readonly routes: readonly RouteSpec[];
  /** Oldest first. Empty for a short while after the last container was destroyed: its routes linger for a successor. */
  readonly replicas: readonly ReplicaSnapshot[];
  /** What is wanted of each revision. Left out: the set is found by labels, and its replicas are whoever carries them. */
  readonly shares?: readonly RevisionShare[];
  /** With `shares`: hosts were not looked at yet, and replicas that are there may be missing here. Left out: all were. */
  readonly isPartial?: boolean;
  /** With `shares`: a person stopped it, and it sleeps whoever asks for it. Left out: it is not stopped. */
  readonly stopped?: boolean;
}
