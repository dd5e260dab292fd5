/**
 * What the admin API needs from the rest of Tidegate. main.ts provides it; tests provide it in a few lines. Nothing here
 * reaches an Engine: the API answers from what is known, also while every host hangs.
 */
import type { Apps } from '#apps/apps';
import type { ClientAuthoritySource } from '#certs/client-authority';
import type { Clock } from '#core/clock';
import type { Event, EventSink } from '#core/event';
import type { Log } from '#core/log';
import type { SetKey, SetSnapshot } from '#core/set';
import type { TrustedProxies } from '#core/trusted-proxies';
import type { ExecEngine } from '#docker/exec';
import type { UsageSampler } from '#docker/usage-sampler';
import type { LogStore } from '#logs/log-store';
import type { RouteTable } from '#router/route-table';
import type { AuditLog } from '#tenants/audit-log';
import type { Principal } from '#tenants/principal';
import type { Quotas } from '#tenants/quotas';
import type { TenantDirectory } from '#tenants/tenant-directory';
import type { TokenBook } from '#tenants/token-book';
import type { CertificateBook } from './certificate-port.ts';
import type { DomainDirectory } from './domain-port.ts';
import type { AnswerStore } from './idempotency.ts';
import type { TrafficMinute } from './traffic-minute.ts';

/** One replica as it is kept now. */
export interface LiveReplica {
  /** As in ReplicaSnapshot. */
  readonly id: string;
  /** `ready`, `frozen`, `stopped`, `starting` … */
  readonly phase: string;
  readonly inFlight: number;
  /** In a row to come up. Left out: none. */
  readonly failures?: number;
  /** Of the last of them; null, or left out: there was none. */
  readonly failure?: string | null;
}

/** One set as it is kept now. */
export interface LiveSet {
  /** `up`, `zero`, `frozen`, `waking` … */
  readonly state: string;
  /** Replicas that take requests. */
  readonly ready: number;
  readonly inFlight: number;
  /** Requests in the waiting room. */
  readonly held: number;
  /** Ms since the epoch at which its last lease ends; null, or left out: none is in force. */
  readonly leasedUntil?: number | null;
  /** What labels and settings together come to. `awake`: replicas wanted while the set is awake. */
  readonly target: { readonly min: number; readonly max: number; readonly awake: number };
  /** What its number of replicas goes by; null: it is fixed, or the set sleeps. */
  readonly scaling: LiveScaling | null;
  readonly replicas: readonly LiveReplica[];
  /** Of its frozen spares; null, or left out: it is found by labels and has none. */
  readonly spares?: LiveSpares | null;
}

export interface LiveSpares {
  /** `scale.spare`. */
  readonly wish: number | 'auto';
  /** Replicas that the greatest burst of late wanted more within the time of a start. */
  readonly burst: number;
  /** What 95 % of its last starts took at most; null: none was seen yet. */
  readonly startMs: number | null;
  /** How many the memory of hosts has room for; null: not known, or not asked. */
  readonly room: number | null;
}

export interface LiveScaling {
  readonly desired: number;
  /** Which of its aims asks for most. */
  readonly metric: 'concurrency' | 'rps' | 'cpu' | 'memory';
  /** It grows with the last seconds, and shrinks when a whole window has been calm. */
  readonly isPanicking: boolean;
  /** Over the window: requests at a time that need capacity, and arrivals a second. */
  readonly concurrency: number;
  readonly rps: number;
  /** Mean time of a request at a replica, in ms; null: not known yet. */
  readonly serviceMs: number | null;
}

export interface SetDirectory {
  /** Every set that is known, in no particular order. */
  all(): Iterable<SetSnapshot>;
  get(key: SetKey): SetSnapshot | undefined;
  /** Null: discovered, but not kept yet. */
  live(key: SetKey): LiveSet | null;
}

/** What was asked for beside the labels; a null field follows the labels. */
export interface ScaleSetting {
  readonly min: number | null;
  readonly max: number | null;
  readonly replicas: number | null;
  readonly by: string;
  /** Ms since the epoch. */
  readonly at: number;
}

export interface Scaling {
  setting(key: SetKey): ScaleSetting | null;
  /**
   * Remembers the setting for good and puts it in force, in this order. Null: back to the labels.
   * @throws TidegateError `store.…` when it cannot be remembered; then it is not in force either
   */
  change(key: SetKey, setting: ScaleSetting | null): Promise<void>;
  /** Keeps every set of an app awake for `ttlMs`, over a restart too. A longer lease stays. False: no such app. Never rejects. */
  lease(tenant: string, app: string, ttlMs: number): Promise<boolean>;
}

/** Events stand at positions 0, 1, 2 …; see EventLog, which is one. */
export interface EventFeed<T = Event> {
  /** The position after the newest event. */
  readonly end: number;
  /** Where a reader goes on that has seen `id` last. `gap`: what came after it may be gone in part. */
  resume(id: string): { readonly position: number; readonly gap: boolean };
  /** Up to `limit` events from a position on, oldest first. `gap`: some between there and these are gone. */
  read(
    position: number,
    limit: number,
  ): { readonly events: readonly T[]; readonly next: number; readonly gap: boolean };
  /** Up to `limit` events older than `id` (null: all) that pass, newest first. */
  older(id: string | null, limit: number, passes: (event: T) => boolean): readonly T[];
  /** Resolves when there is an event at the position, or when the signal aborts. */
  arrived(position: number, signal: AbortSignal): Promise<void>;
}

export interface HostView {
  readonly name: string;
  /** `reachable` · `degraded` */
  readonly state: string;
  /** Why it is degraded; null: it is not. */
  readonly cause: string | null;
  /** Since when its state is that, in ms since the epoch: since the start, where it was so already. Left out: not known. */
  readonly since?: number;
  /** Null before the Engine answered for the first time. */
  readonly engine: { readonly version: string; readonly apiVersion: string } | null;
  /** How large it is; left out: not known yet. */
  readonly capacity?: HostRoom | null;
}

export interface HostRoom {
  readonly cores: number;
  readonly memoryBytes: number;
}

export interface MetricSample {
  /** What follows the name of the family: `_bucket`, `_sum`, `_count`; empty for counters and gauges. */
  readonly suffix?: '' | '_bucket' | '_sum' | '_count';
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One metric with all its samples. */
export interface MetricFamily {
  /** `tidegate_…`; counters end in `_total`. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** A counter that counted before Tidegate began, or before it knew of it: only its growth is Tidegate's. */
  readonly isOlder?: boolean;
  readonly samples: Iterable<MetricSample>;
}

export interface AdminPorts {
  /** Of Tidegate. */
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly table: Pick<RouteTable, 'lookup' | 'knows' | 'routes' | 'routesOf' | 'conflicts' | 'hostCount'>;
  readonly sets: SetDirectory;
  readonly scaling: Scaling;
  readonly events: EventFeed;
  readonly record: EventSink;
  readonly hosts: () => Iterable<HostView>;
  /** What of a host is there for the next replica: every set is looked at for it. Null: not known; left out: nobody knows. */
  readonly allocatable?: (host: string) => HostRoom | null;
  /** What still has to happen before traffic can be served, in words; empty: ready. */
  readonly missing: () => readonly string[];
  /**
   * Resolves when the hosts have said what runs on them, or have taken too long: an answer before that would miss what is
   * there. Left out: they have.
   */
  readonly found?: Promise<unknown>;
  /** Counters of the parts that have some; the API adds what it knows itself. */
  readonly collect: () => Iterable<MetricFamily> | Promise<Iterable<MetricFamily>>;
  /** Null: not a token in force. `client`: address that the request came from; null: it is not known. */
  readonly authenticate: (token: string, client: string | null) => Promise<Principal | null>;
  /** Whose word is taken for the address of a client; left out: nobody's. */
  readonly proxies?: TrustedProxies;
  /** Left out: there are no tokens but the operator's, and no tenants but in labels; their endpoints say so. */
  readonly tenancy?: {
    readonly tokens: TokenBook;
    readonly tenants: TenantDirectory;
    readonly quotas: Quotas;
    /** Who was asked to change what. */
    readonly audit: AuditLog;
  };
  /** Apps that are made here; left out: sets are found by labels alone. */
  readonly apps?: Apps;
  /** Where apps answer: `<app>.<base>`; left out: `localhost`. */
  readonly baseDomain?: string;
  /** Left out: nobody keeps domains here, and their endpoints say so. */
  readonly domains?: DomainDirectory;
  /** Left out: nobody keeps certificates here. */
  readonly certificates?: CertificateBook;
  /** Authorities of client certificates; left out: nobody reads them here. */
  readonly clientAuthorities?: ClientAuthoritySource;
  /** What containers wrote; left out: nobody keeps it here. */
  readonly logs?: LogStore;
  /** Measures what containers use; left out: nobody does. */
  readonly meter?: UsageSampler;
  /** Traffic of the last minute; left out: nobody counts. */
  readonly minute?: TrafficMinute;
  /** Runs commands in containers; left out: nobody does. */
  readonly exec?: {
    /** Null: no such host. */
    engine(host: string): ExecEngine | null;
    /** Somebody works in the replica: it is thawed, and its set stays awake for a while. */
    touch(replica: string): void;
  };
  /** Where answers to requests with an Idempotency-Key are kept; left out: such requests are served as any other. */
  readonly answers?: AnswerStore;
}
