/** What the keeper of apps needs from the outside. The roof provides it; tests provide it with faults. */
import type { Clock } from '#core/clock';
import type { EventSink } from '#core/event';
import type { Log } from '#core/log';
import type { RevisionRouting, RevisionShare, SetKey } from '#core/set';
import type { HostEngine } from '#docker/host-engine';
import type { Store } from '#store/store';
import type { RevisionCounters } from './canary.ts';

/** A set as it is to be in force, whether containers of it run or not. */
export interface SetInForce {
  readonly key: SetKey;
  readonly tenant: string;
  readonly app: string;
  readonly set: string;
  /** Routes and policy, as labels. */
  readonly labels: Readonly<Record<string, string>>;
  readonly shares: readonly RevisionShare[];
  readonly routing: RevisionRouting | null;
  /** Kept down by a person; requests are told so. */
  readonly stopped: boolean;
  /** Hosts whose replicas are no part of it any more: a volume of it was given up there. Left out: none. */
  readonly leftHosts?: readonly string[];
}

/** A replica as the scaler sees it. */
export interface ReplicaSight {
  /** `<host>/<id of the pause container>`. */
  readonly id: string;
  readonly host: string;
  readonly phase: string;
  readonly revision: string | null;
  /** Failures in a row to come up. */
  readonly failures: number;
  readonly inFlight: number;
}

export interface SetSight {
  readonly target: { readonly min: number; readonly max: number; readonly awake: number };
  readonly replicas: readonly ReplicaSight[];
}

export interface AppsPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly emit: EventSink;
  readonly store: Store;
  readonly newId: (prefix: string) => string;
  /** Of this Tidegate: `ins_…`. */
  readonly instance: string;
  /** Base 64 of what rests; opens again under the same context alone. */
  readonly seal: (plain: string, context: string) => string;
  /** @throws TidegateError `vault.sealed` */
  readonly unseal: (sealed: string, context: string) => string;
  readonly engines: () => readonly HostEngine[];
  /** How large a host is; null: not known yet. Left out: of none is it known. */
  readonly capacity?: (host: string) => { readonly cores: number; readonly memoryBytes: number } | null;
  /** Null: discovered by nobody yet. */
  readonly sight: (key: SetKey) => SetSight | null;
  readonly declare: (set: SetInForce) => void;
  readonly undeclare: (key: SetKey) => void;
  /** What people asked of the scale of a set that is no more. @throws TidegateError of the `store.` family */
  readonly forgetScale: (key: SetKey) => Promise<void>;
  /** Resolves when every gateway goes by what was declared last. */
  readonly settled: () => Promise<void>;
  /** Counted per revision since the start; null: nothing was counted. */
  readonly counters: (key: SetKey) => Promise<ReadonlyMap<string, RevisionCounters>>;
}
