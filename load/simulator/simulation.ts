/** Replays one trace before one candidate and says what users and the bill noticed of it. The same seed, the same result. */
import { DEFAULT_POLICY, type SetPolicy } from '#core/set';
import type { Candidate } from './candidates.ts';
import { chanceFrom, waitMs } from './chance.ts';
import { Fleet, type ServiceModel } from './fleet.ts';
import { SimulatedClock } from './simulated-clock.ts';
import type { Trace } from './traces.ts';

const SECOND_MS = 1000;
/** After the trace, for requests that are on their way. */
const AFTER_MS = 60_000;
const SEED = 6;

export interface SimulationOptions {
  readonly trace: Trace;
  readonly candidate: Candidate;
  readonly service: ServiceModel;
  /** Hard limit of requests at a time in each replica. */
  readonly concurrency: number;
  readonly min: number;
  readonly max: number;
  /** Ready from the beginning. */
  readonly replicas: number;
  readonly seed?: number;
}

/** At the end of a second. */
export interface Moment {
  readonly second: number;
  readonly desired: number;
  readonly ready: number;
  readonly held: number;
  readonly spares: number;
}

export interface Outcome {
  readonly options: SimulationOptions;
  readonly moments: readonly Moment[];
  /** Arrival and time in all, in ms, one after the other, in the order of their ends. */
  readonly answers: readonly number[];
  readonly errors: number;
  readonly replicaSeconds: number;
  /** Of frozen spares: memory and no processor time. */
  readonly spareSeconds: number;
  /** The most replicas that were there at a time, ready or on their way. */
  readonly peakReplicas: number;
}

export function simulate(options: SimulationOptions): Outcome {
  const { trace, candidate, service, min, max } = options;
  const clock = new SimulatedClock();
  const chance = chanceFrom(options.seed ?? SEED);
  const policy: SetPolicy = {
    ...DEFAULT_POLICY,
    concurrency: options.concurrency,
    wakeQueue: candidate.queue,
    scale: { ...DEFAULT_POLICY.scale, min, max },
  };
  // What a start takes is no matter of when requests come: each has a chance of its own.
  const starts = chanceFrom((options.seed ?? SEED) + 1);
  const fleet = new Fleet({ clock, chance: starts, policy, service, replicas: options.replicas });
  const desired = candidate.follow({ clock, fleet, min, max });
  for (let i = 0; i < trace.atOnce; i++) clock.after(0, () => fleet.arrive());
  // Thinning: as many as at the peak come, and are taken with the chance that the rate of the moment has.
  const next = (): void => {
    clock.after(waitMs(chance, trace.peak), () => {
      const second = clock.now() / SECOND_MS;
      if (second >= trace.seconds) return;
      if (chance() * trace.peak < trace.rate(second)) fleet.arrive();
      next();
    });
  };
  next();
  const moments: Moment[] = [];
  let peakReplicas = 0;
  for (let second = 1; second <= trace.seconds; second++) {
    clock.runUntil(second * SECOND_MS);
    peakReplicas = Math.max(peakReplicas, fleet.count);
    moments.push({ second, desired: desired(), ready: fleet.readyCount, held: fleet.held, spares: fleet.spares });
  }
  fleet.settle();
  const { replicaMs, spareMs } = fleet;
  clock.runUntil(trace.seconds * SECOND_MS + AFTER_MS);
  return {
    ...{ options, moments, answers: fleet.answers, errors: fleet.errors, peakReplicas },
    replicaSeconds: replicaMs / SECOND_MS,
    spareSeconds: spareMs / SECOND_MS,
  };
}

/** Times in ms of what arrived from `from` until `to` (seconds). */
export function timesBetween({ answers }: Outcome, from: number, to: number): number[] {
  const times: number[] = [];
  for (let i = 0; i + 1 < answers.length; i += 2) {
    const arrivedAt = (answers[i] ?? 0) / SECOND_MS;
    if (arrivedAt >= from && arrivedAt < to) times.push(answers[i + 1] ?? 0);
  }
  return times;
}

/** How often the number that is wanted turns within that time: up after down, or down after up. */
export function directionChanges({ moments }: Outcome, from: number, to: number): number {
  let changes = 0;
  let direction = 0;
  let before: number | null = null;
  for (const { second, desired } of moments) {
    if (second <= from || second > to) continue;
    const step = before === null ? 0 : Math.sign(desired - before);
    before = desired;
    if (step === 0) continue;
    if (direction !== 0 && step !== direction) changes++;
    direction = step;
  }
  return changes;
}
