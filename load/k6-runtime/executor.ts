/** Executors of k6: when iterations of a scenario begin, and how many virtual users they share. */
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseDuration } from './duration.ts';
import type { Session } from './session.ts';

const TICK_MS = 2;
const GRACE_MS = 30_000;
const DEFAULT_MAX_DURATION = '10m';

export interface Stage {
  readonly target: number;
  readonly duration: string;
}

interface Common {
  readonly exec?: string;
  readonly startTime?: string;
  readonly gracefulStop?: string;
}

export type ScenarioOptions = Common &
  (
    | { readonly executor: 'constant-vus'; readonly vus: number; readonly duration: string }
    | {
        readonly executor: 'per-vu-iterations';
        readonly vus: number;
        readonly iterations: number;
        readonly maxDuration?: string;
      }
    | (Arrivals & { readonly executor: 'constant-arrival-rate'; readonly rate: number; readonly duration: string })
    | (Arrivals & {
        readonly executor: 'ramping-arrival-rate';
        readonly startRate: number;
        readonly stages: readonly Stage[];
      })
  );

interface Arrivals {
  readonly timeUnit?: string;
  readonly preAllocatedVUs: number;
  readonly maxVUs?: number;
}

/** What a scenario calls in every iteration. */
export type Iteration = (data: unknown) => unknown;

export interface ScenarioRun {
  readonly name: string;
  readonly options: ScenarioOptions;
  readonly iteration: Iteration;
  /** What the script's `setup` returned. */
  readonly data: unknown;
  readonly session: Session;
  readonly signal: AbortSignal;
}

/** Runs a scenario to its end: the last iteration is over, or its grace is. Rejects when the signal aborts. */
export async function runScenario(run: ScenarioRun): Promise<void> {
  const { options, signal } = run;
  const users = new Users(run);
  try {
    await sleep(parseDuration(options.startTime ?? '0s'), undefined, { signal });
    await begin(run, users);
  } finally {
    const graceMs = options.gracefulStop === undefined ? GRACE_MS : parseDuration(options.gracefulStop);
    await users.end(signal.aborted ? 0 : graceMs);
  }
}

function begin(run: ScenarioRun, users: Users): Promise<void> {
  const { options } = run;
  switch (options.executor) {
    case 'constant-vus': {
      const { vus, duration } = options;
      return loop(users, { vus, iterations: Number.POSITIVE_INFINITY, durationMs: parseDuration(duration) });
    }
    case 'per-vu-iterations': {
      const { vus, iterations, maxDuration = DEFAULT_MAX_DURATION } = options;
      return loop(users, { vus, iterations, durationMs: parseDuration(maxDuration) });
    }
    case 'constant-arrival-rate':
      return arrive(run, users, [options.rate, [{ target: options.rate, duration: options.duration }]]);
    case 'ramping-arrival-rate':
      return arrive(run, users, [options.startRate, options.stages]);
  }
}

/** How many iterations have begun after `ms`, with a rate per unit that goes in straight lines from stage to stage. */
export function arrivalsUntil(
  ms: number,
  unitMs: number,
  [startRate, stages]: readonly [number, readonly Stage[]],
): number {
  let passed = 0;
  let rate = startRate;
  let count = 0;
  for (const { target, duration } of stages) {
    const stageMs = parseDuration(duration);
    const within = Math.min(Math.max(ms - passed, 0), stageMs);
    const reached = stageMs > 0 ? rate + ((target - rate) * within) / stageMs : target;
    count += (((rate + reached) / 2) * within) / unitMs;
    passed += stageMs;
    rate = target;
  }
  return count;
}

async function arrive(run: ScenarioRun, users: Users, plan: readonly [number, readonly Stage[]]): Promise<void> {
  const options = run.options as Arrivals;
  const unitMs = parseDuration(options.timeUnit ?? '1s');
  const lengthMs = plan[1].reduce((total, { duration }) => total + parseDuration(duration), 0);
  const most = Math.max(options.maxVUs ?? 0, options.preAllocatedVUs);
  const begun = performance.now();
  let due = 0;
  for (;;) {
    const passed = performance.now() - begun;
    for (const until = Math.floor(arrivalsUntil(passed, unitMs, plan)); due < until; due++) {
      if (!users.begin(most)) run.session.sample('dropped_iterations', 1, { scenario: run.name });
    }
    if (passed >= lengthMs) return;
    await sleep(TICK_MS, undefined, { signal: run.signal });
  }
}

interface Loop {
  readonly vus: number;
  readonly iterations: number;
  readonly durationMs: number;
}

async function loop(users: Users, { vus, iterations, durationMs }: Loop): Promise<void> {
  const deadline = performance.now() + durationMs;
  const each = async (): Promise<void> => {
    const user = users.take(vus);
    for (let i = 0; user !== null && i < iterations && performance.now() < deadline; i++) await users.iterate(user);
  };
  await Promise.race([Promise.all(Array.from({ length: vus }, each)), users.aborted]);
}

interface User {
  readonly number: number;
  readonly agent: Agent;
  iterations: number;
}

/** The virtual users of one scenario. */
class Users {
  readonly #run: ScenarioRun;
  readonly #free: User[] = [];
  readonly #all: User[] = [];
  readonly #open = new Set<Promise<void>>();
  readonly aborted: Promise<never>;

  constructor(run: ScenarioRun) {
    this.#run = run;
    this.aborted = new Promise((_, reject) => {
      run.signal.addEventListener('abort', () => reject(run.signal.reason), { once: true });
    });
    this.aborted.catch(() => {}); // heard where it is waited for
  }

  /** A user who does nothing at the moment; null: there are `most`, and all are busy. */
  take(most: number): User | null {
    const free = this.#free.pop();
    if (free !== undefined || this.#all.length >= most) return free ?? null;
    const user = { number: this.#all.length + 1, agent: new Agent({ keepAlive: true }), iterations: 0 };
    this.#all.push(user);
    return user;
  }

  /** Begins an iteration and does not wait for it. @returns false when nobody is free */
  begin(most: number): boolean {
    const user = this.take(most);
    if (user === null) return false;
    const iteration = this.iterate(user).finally(() => {
      this.#free.push(user);
      this.#open.delete(iteration);
    });
    this.#open.add(iteration);
    return true;
  }

  /** Never rejects: an iteration that throws counts as an error. */
  async iterate(user: User): Promise<void> {
    const { name, iteration, data, session } = this.#run;
    const begun = performance.now();
    const turn = { scenario: name, user: user.number, iteration: user.iterations++, agent: user.agent };
    await session.turns.run(turn, async () => {
      try {
        await iteration(data);
        session.sample('iterations', 1);
        session.sample('iteration_duration', performance.now() - begun);
      } catch (error) {
        session.sample('iteration_errors', 1);
        process.stderr.write(`${name}: ${String(error)}\n`);
      }
    });
  }

  async end(graceMs: number): Promise<void> {
    await Promise.race([Promise.all(this.#open), sleep(graceMs, undefined, { ref: false })]);
    for (const { agent } of this.#all) agent.destroy();
  }
}
