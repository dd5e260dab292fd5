/**
 * What the scaler needs from the outside. main.ts provides it; tests provide it with faults.
 */
import type { Clock } from '#core/clock';
import type { EventSink } from '#core/event';
import type { Log } from '#core/log';
import type { ReplicaUsage } from '#core/replica-usage';
import type { ReplicaSnapshot, SetKey } from '#core/set';
import type { Engine } from '#docker/engine';
import type { Probe } from './probe.ts';
import type { WakeAllowance } from './wake-budget.ts';

/** What is remembered of a replica that Tidegate put to sleep, so that a restart knows whose doing it was. */
export interface SleepNote {
  readonly tier: 'frozen' | 'sandbox' | 'stopped';
  /** Frozen by writing the cgroup freezer: the Engine says it runs. */
  readonly direct: boolean;
}

export interface SleepNotes {
  get(replica: string): SleepNote | null;
  /** Null: it is awake. */
  put(replica: string, note: SleepNote | null): void;
}

/** What is remembered of the leases of a set. Ms since the epoch. */
export interface LeaseNote {
  /** Of all that is leased the last to end. */
  readonly until: number;
  /** Of those of its replicas that said they were at work, by id. */
  readonly replicas: Readonly<Record<string, number>>;
}

export interface LeaseNotes {
  get(key: SetKey): LeaseNote | null;
  /** Null: nothing of it is leased. */
  put(key: SetKey, note: LeaseNote | null): void;
}

export interface MadeReplica {
  readonly host: string;
  /** Of its pause container. */
  readonly containerId: string;
}

export interface ScalerPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly emit: EventSink;
  readonly probe: Probe;
  readonly notes: SleepNotes;
  readonly leases: LeaseNotes;
  /** The Engine of a host, or null when the host is not known (any more). */
  readonly engine: (host: string) => Engine | null;
  /** Asks discovery for a fresh look at a container after an action; resolves when the snapshot was delivered. */
  readonly refresh: (host: string, containerId: string) => Promise<void>;
  /**
   * Where other processes dial the replicas as well: resolves when none of them gives this one anything new and all that
   * they have in flight to it is counted in its pool. Null (or not given): nobody else does.
   */
  readonly clear?: (replica: string) => Promise<void> | null;
  /**
   * Makes (and does not start) a replica of a revision of a set that the API deploys; resolves when its containers are
   * there. Not given: none can be made.
   */
  readonly makeReplica?: (key: SetKey, revision: string) => Promise<MadeReplica>;
  /** What a replica was measured to use last; null: not known. Never asks an Engine. Not given: nothing is measured. */
  readonly usage?: (replica: ReplicaSnapshot) => ReplicaUsage | null;
  /**
   * Bytes that what nobody waits for may take of the memory of a host, where there is most of it; negative: so much has to be
   * given back. Null: not known. Asks no Engine, and costs little: each set that wants spares asks once a second. Not given: it is
   * never known.
   */
  readonly memoryRoom?: () => number | null;
  /** What a view of the set shows may have changed. Called once per turn at most; must not throw. */
  readonly onViewChanged?: (key: SetKey) => void;
  /** How many sleeping sets the plan of a tenant lets it wake; not given: no limit but the machine's. */
  readonly wakesOf?: (tenant: string) => WakeAllowance;
  /** A correlation id. */
  readonly newId: (prefix: string) => string;
}
