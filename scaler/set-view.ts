/**
 * What the API shows of a set: plain data, computed when asked for.
 */
import type { SetKey } from '#core/set';
import type { AutoscalerView } from './autoscaler.ts';
import type { MakingView } from './replica-maker.ts';
import type { ReplicaPhase } from './replica-phase.ts';
import type { ScaleOverride, ScaleTarget } from './scale-target.ts';
import type { SetKeeper } from './set-keeper.ts';
import type { SpareView } from './set-scale.ts';

export const SET_STATES = [
  'zero',
  'frozen',
  'sandbox',
  'waking',
  'up',
  'wake-failed',
  'stopped',
  'unhealthy',
  'absent',
] as const;
/** `stopped`: by a person, with min ≥ 1. `unhealthy`: up, but nothing answers. `absent`: no container at the moment. */
export type SetState = (typeof SET_STATES)[number];

export interface ReplicaView {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly phase: ReplicaPhase;
  readonly inFlight: number;
  readonly revision: string | null;
  readonly weight: number;
  /** Made by Tidegate from another replica. */
  readonly clone: boolean;
  /** Why nothing can be dialled; null: it can, or it does not run. */
  readonly unroutable: string | null;
  readonly startedAt: string | null;
  /** Failures in a row to come up. */
  readonly failures: number;
  /** Of the last of them, in words; null: there was none. */
  readonly failure: string | null;
}

export interface SetView {
  readonly key: SetKey;
  readonly state: SetState;
  readonly ready: number;
  readonly inFlight: number;
  readonly held: number;
  /** Ms since the epoch at which its last lease ends; null: none is in force. */
  readonly leasedUntil: number | null;
  readonly target: ScaleTarget;
  readonly override: ScaleOverride;
  readonly replicas: readonly ReplicaView[];
  /** What its number of replicas goes by; null: it is fixed, or the set sleeps. */
  readonly scaling: AutoscalerView | null;
  /** Of its frozen spares; null: it is found by labels and has none. */
  readonly spares: SpareView | null;
  /** How the making of replicas goes, by revision: empty for a set that is found by labels. */
  readonly making: readonly MakingView[];
}

interface Progress {
  /** A wake is under way, or replicas are being made. */
  readonly waking: boolean;
  readonly failed: boolean;
  readonly making: readonly MakingView[];
  readonly leasedUntil: number | null;
}

export function viewOf(keeper: SetKeeper, progress: Progress): SetView {
  const { pool } = keeper;
  return {
    key: keeper.key,
    state: stateOf(keeper, progress),
    ready: pool.readyCount,
    inFlight: pool.inFlight,
    held: pool.held,
    leasedUntil: progress.leasedUntil,
    target: keeper.target,
    override: keeper.scaling.override,
    replicas: keeper.replicas.map((replica) => ({
      id: replica.snapshot.id,
      name: replica.snapshot.name,
      host: replica.snapshot.host,
      phase: replica.phase,
      inFlight: replica.inFlight,
      revision: replica.snapshot.revision,
      weight: replica.snapshot.weight,
      clone: replica.snapshot.cloneOf !== null,
      unroutable: replica.snapshot.unroutable,
      startedAt: replica.snapshot.startedAt,
      failures: replica.failures,
      failure: replica.failure,
    })),
    scaling: keeper.scaling.view,
    spares: keeper.snapshot.shares === undefined ? null : keeper.scaling.spares,
    making: progress.making,
  };
}

function stateOf(keeper: SetKeeper, wake: Pick<Progress, 'waking' | 'failed'>): SetState {
  const { replicas } = keeper;
  if (keeper.servesDependents) return 'up';
  if (wake.failed) return 'wake-failed';
  if (wake.waking) return 'waking';
  const { shares, stopped } = keeper.snapshot;
  if (replicas.length === 0 && shares === undefined) return 'absent';
  const phases = replicas.map((one) => one.phase);
  if (phases.includes('draining')) return 'up';
  if (phases.some((one) => one === 'starting' || one === 'thawing' || one === 'probing')) return 'waking';
  if (phases.some((one) => one === 'unhealthy' || one === 'unroutable')) return 'unhealthy';
  if (phases.some((one) => one === 'frozen' || one === 'freezing')) return 'frozen';
  if (phases.some((one) => one === 'sandbox' || one === 'resting')) return 'sandbox';
  if (stopped === true) return 'stopped';
  if (shares !== undefined) return phases.includes('failed') ? 'wake-failed' : 'zero';
  return keeper.target.min > 0 ? 'stopped' : 'zero';
}
