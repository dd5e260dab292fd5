/**
 * Where the time of a wake went: deciding (with the wait for a turn), the Engine, the probe, the queue. Marks are set from
 * what is seen of the set; whoever waited has his own part of each, so that the parts are always the whole of his wait.
 */
import type { Clock } from '#core/clock';
import type { WakePhases, WakeTier } from '#router/admission';
import type { ReplicaPhase } from './replica-phase.ts';

const IN_ENGINE: ReadonlySet<ReplicaPhase> = new Set(['starting', 'thawing']);
/** It can be dialled, or needs not be. */
const IS_UP: ReadonlySet<ReplicaPhase> = new Set(['probing', 'ready', 'running', 'unhealthy']);

export interface TraceFacts {
  readonly replicas: readonly { readonly phase: ReplicaPhase }[];
  /** Replicas are being made. */
  readonly isMaking: boolean;
  readonly isServing: boolean;
}

export class WakeTrace {
  readonly #clock: Clock;
  #tier: WakeTier = 'absent';
  /** Monotonic ms; null: not yet. */
  #engineAt: number | null = null;
  #upAt: number | null = null;
  #readyAt: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A wake begins. @param facts as they were before anything was done */
  begin({ replicas }: Pick<TraceFacts, 'replicas'>): void {
    this.#engineAt = this.#upAt = this.#readyAt = null;
    const has = (...phases: readonly ReplicaPhase[]): boolean => replicas.some((one) => phases.includes(one.phase));
    if (has('frozen', 'thawing')) this.#tier = 'frozen';
    else if (has('sandbox')) this.#tier = 'sandbox';
    else this.#tier = replicas.length > 0 ? 'stopped' : 'absent';
  }

  follow({ replicas, isMaking, isServing }: TraceFacts): void {
    const now = this.#clock.now();
    if (isMaking || replicas.some((one) => IN_ENGINE.has(one.phase))) this.#engineAt ??= now;
    if (replicas.some((one) => IS_UP.has(one.phase))) this.#upAt ??= now;
    if (isServing) this.#readyAt ??= now;
  }

  /** What became of the time since then (monotonic ms) until now; it sums up to that. */
  phases(since: number): WakePhases {
    const now = this.#clock.now();
    const between = (moment: number | null, from: number): number => Math.min(now, Math.max(from, moment ?? now));
    const engineAt = between(this.#engineAt, since);
    const upAt = between(this.#upAt, engineAt);
    const readyAt = between(this.#readyAt, upAt);
    return {
      tier: this.#tier,
      decideMs: engineAt - since,
      engineMs: upAt - engineAt,
      probeMs: readyAt - upAt,
      queueMs: now - readyAt,
    };
  }
}
