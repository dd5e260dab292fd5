/** How long wakes took, by tier and phase, in buckets: what the metrics show of all sets together. */
import { LATENCY_BOUNDS_S } from '#core/latency';
import type { WakePhases, WakeTier } from '#router/admission';

const WAKE_PHASES = ['decide', 'engine', 'probe', 'queue'] as const;
type WakePhase = (typeof WAKE_PHASES)[number];

export interface WakeTime {
  readonly tier: WakeTier;
  readonly phase: WakePhase;
  /** One more than there are bounds of latencies; not cumulative. */
  readonly latency: readonly number[];
  readonly latencySumS: number;
}

export class WakeTimes {
  readonly #times = new Map<string, { tier: WakeTier; phase: WakePhase; latency: number[]; latencySumS: number }>();

  /** Counts the wait of one request, and gives it back. */
  count(phases: WakePhases): WakePhases {
    for (const phase of WAKE_PHASES) this.#count(phases.tier, phase, phases[`${phase}Ms`]);
    return phases;
  }

  collect(): readonly WakeTime[] {
    return [...this.#times.values()].map((one) => ({ ...one, latency: [...one.latency] }));
  }

  #count(tier: WakeTier, phase: WakePhase, ms: number): void {
    const key = `${tier} ${phase}`;
    const latency = (): number[] => new Array<number>(LATENCY_BOUNDS_S.length + 1).fill(0);
    const time = this.#times.get(key) ?? { tier, phase, latency: latency(), latencySumS: 0 };
    this.#times.set(key, time);
    const found = LATENCY_BOUNDS_S.findIndex((bound) => ms / 1000 <= bound);
    const bucket = found < 0 ? LATENCY_BOUNDS_S.length : found;
    time.latency[bucket] = (time.latency[bucket] ?? 0) + 1;
    time.latencySumS += ms / 1000;
  }
}
