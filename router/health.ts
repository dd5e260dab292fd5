/**
 * Health of an upstream as a pure state machine. A new upstream is `unknown` and takes nothing until its first passed
 * probe; after that it needs `fall` failures in a row to leave and `rise` passes in a row to come back.
 *
 *              pass                     fall × fail
 *   unknown ─────────▶ healthy ──────────────────────▶ unhealthy
 *      │ fall × fail      ▲ ▲ │ eject        rise × pass   │ ▲
 *      │                  │ │ ▼                            │ │
 *      │                  │ ejected ── restore ──▶ (healthy) │
 *      │                  └────────────────────────────────┘ │
 *      └─────────────────────────────────────────────────────┘
 */
import type { HealthPolicy } from '#core/set';

export const HEALTH = ['unknown', 'healthy', 'unhealthy', 'ejected'] as const;
export type Health = (typeof HEALTH)[number];

export const HEALTH_SIGNALS = ['pass', 'fail', 'eject', 'restore'] as const;
export type HealthSignal = (typeof HEALTH_SIGNALS)[number];

export interface HealthState {
  readonly health: Health;
  /** Signals of the other kind in a row since the last change: what counts towards the next one. */
  readonly streak: number;
}

export const UNKNOWN_HEALTH: HealthState = { health: 'unknown', streak: 0 };

/** The state after a signal. `eject` and `restore` come from watching real requests, `pass` and `fail` from probes. */
export function nextHealth(
  state: HealthState,
  signal: HealthSignal,
  policy: Pick<HealthPolicy, 'rise' | 'fall'>,
): HealthState {
  switch (state.health) {
    case 'unknown':
      if (signal === 'pass') return { health: 'healthy', streak: 0 };
      if (signal === 'fail') return counted(state, policy.fall, 'unhealthy');
      return state;
    case 'healthy':
      if (signal === 'pass') return state.streak === 0 ? state : { health: 'healthy', streak: 0 };
      if (signal === 'fail') return counted(state, policy.fall, 'unhealthy');
      if (signal === 'eject') return { health: 'ejected', streak: 0 };
      return state;
    case 'unhealthy':
      if (signal === 'pass') return counted(state, policy.rise, 'healthy');
      if (signal === 'fail') return state.streak === 0 ? state : { health: 'unhealthy', streak: 0 };
      return state;
    case 'ejected':
      if (signal === 'restore') return { health: 'healthy', streak: 0 };
      if (signal === 'fail') return counted(state, policy.fall, 'unhealthy');
      if (signal === 'pass') return state.streak === 0 ? state : { health: 'ejected', streak: 0 };
      return state;
  }
}

function counted(state: HealthState, needed: number, next: Health): HealthState {
  const streak = state.streak + 1;
  return streak >= needed ? { health: next, streak: 0 } : { health: state.health, streak };
}
