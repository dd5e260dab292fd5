/**
 * What a replica is doing, in one word for people. Pure.
 */
import type { Upstream } from '#router/upstream';
import type { ReplicaState } from './replica-state.ts';
import type { ReplicaAction, ReplicaWish } from './replica-step.ts';

export const REPLICA_PHASES = [
  'stopped',
  'starting',
  'probing',
  'ready',
  'unhealthy',
  'ejected',
  'unroutable',
  'running',
  'draining',
  'freezing',
  'frozen',
  'thawing',
  'resting',
  'sandbox',
  'stopping',
  'removing',
  'failed',
] as const;
/** `ejected`: left out for its answers for a while. `running`: up without a port to dial (a dependency). `resting`: on the way to `sandbox`: its members are down, its network is kept. `failed`: down, and waits before it is tried again. */
export type ReplicaPhase = (typeof REPLICA_PHASES)[number];

const PHASE_OF_ACTION: Readonly<Record<ReplicaAction, ReplicaPhase>> = {
  adopt: 'probing',
  start: 'starting',
  mend: 'starting',
  thaw: 'thawing',
  freeze: 'freezing',
  rest: 'resting',
  stop: 'stopping',
  remove: 'removing',
};

/** Of one that runs and may not be dialled, because it is about to sleep. */
const PHASE_OF_WISH: Readonly<Record<ReplicaWish, ReplicaPhase>> = {
  awake: 'probing',
  leave: 'probing',
  frozen: 'freezing',
  sandbox: 'resting',
  stopped: 'stopping',
  removed: 'removing',
};

export interface PhaseFacts {
  readonly state: ReplicaState;
  readonly wish: ReplicaWish;
  /** Under way. */
  readonly action: ReplicaAction | null;
  readonly upstream: Upstream | null;
  /** It has to wait before it is started again. */
  readonly backsOff: boolean;
}

export function phaseOf(facts: PhaseFacts): ReplicaPhase {
  const { state, action, upstream } = facts;
  if (state.isGone) return 'removing';
  if (action !== null && upstream === null) return PHASE_OF_ACTION[action];
  if (state.isFrozen) return 'frozen';
  switch (state.status) {
    case 'stopping':
      return 'stopping';
    case 'restarting':
      return 'starting';
    case 'running':
      return upstream === null ? undialledPhase(facts) : servingPhase(upstream);
    default:
      if (facts.backsOff) return 'failed';
      return state.isSandbox ? 'sandbox' : 'stopped';
  }
}

function undialledPhase({ state, wish }: PhaseFacts): ReplicaPhase {
  const { endpoints, unroutable } = state.snapshot;
  if (unroutable !== null) return 'unroutable';
  return endpoints.length === 0 ? 'running' : PHASE_OF_WISH[wish];
}

function servingPhase(upstream: Upstream): ReplicaPhase {
  if (upstream.draining) return 'draining';
  const { health } = upstream.health;
  if (health === 'healthy') return 'ready';
  if (health === 'ejected') return 'ejected';
  return health === 'unknown' ? 'probing' : 'unhealthy';
}
