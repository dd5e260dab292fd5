/**
 * How many starts at a time bring many stopped replicas up soonest: all of them, and the one in the middle. Each limit has its
 * turn in every round, and none is always the first.
 */
import { startTestEngine, type TestEngine } from '../../test/support/engine.ts';
import { addressOf, HELLO_PORT, runHello } from '../../test/support/hello.ts';
import { firstAnswer } from '../client.ts';
import type { Report } from '../report.ts';
import type { LoadContext, Scenario } from '../scenario.ts';
import { extent, percentile } from '../statistics.ts';
import { figureText } from '../table.ts';

const REPLICAS = 16;
const LIMITS = [1, 2, 4, 8, 16] as const;
const ROUNDS = 3;
const TIMEOUT_MS = 60_000;
/** Asking is not to cost what is measured. */
const POLL_MS = 20;

type Container = Awaited<ReturnType<typeof runHello>>['container'];

interface Run {
  readonly limit: number;
  /** Of each replica, from the order for all of them until its first answer. */
  readonly readyMs: readonly number[];
  /** Of each replica, from its own start. */
  readonly startMs: readonly number[];
}

export const startsAtOnce: Scenario = {
  name: 'starts-at-once',
  title: `How many starts at a time bring ${REPLICAS} stopped replicas up soonest`,
  parts: [],
  run: runStartsAtOnce,
};

async function runStartsAtOnce({ options, progress, signal }: LoadContext): Promise<Report> {
  const rounds = options.rounds ?? ROUNDS;
  const engine = await startTestEngine();
  try {
    const containers = await made(engine);
    const runs: Run[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const index of LIMITS.keys()) {
        const limit = LIMITS[(index + round) % LIMITS.length] ?? 1;
        signal.throwIfAborted();
        progress(`round ${round + 1} of ${rounds}: ${limit} at a time`);
        runs.push(await run(containers, limit, signal));
        await Promise.all(containers.map((one) => one.kill()));
        await Promise.all(containers.map((one) => one.wait()));
      }
    }
    return report(runs);
  } finally {
    await engine.close();
  }
}

/** Each has run once, so that nothing is the first of its kind. */
async function made(engine: TestEngine): Promise<readonly Container[]> {
  const containers: Container[] = [];
  for (let number = 1; number <= REPLICAS; number++) {
    const { container } = await runHello(engine, { name: `start-${number}`, labels: {} });
    containers.push(container);
    await container.kill();
    await container.wait();
  }
  return containers;
}

async function run(containers: readonly Container[], limit: number, signal: AbortSignal): Promise<Run> {
  const begun = performance.now();
  const left = [...containers];
  const readyMs: number[] = [];
  const startMs: number[] = [];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const since = performance.now();
      await next.start();
      const host = await addressOf(next);
      const wanted = { host, port: HELLO_PORT, hostname: null, timeoutMs: TIMEOUT_MS, everyMs: POLL_MS };
      const { endedAt } = await firstAnswer(wanted, signal);
      readyMs.push(endedAt - begun);
      startMs.push(endedAt - since);
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  return { limit, readyMs, startMs };
}

function report(runs: readonly Run[]): Report {
  const of = (limit: number): readonly Run[] => runs.filter((one) => one.limit === limit);
  const lasts = (limit: number): number[] => of(limit).map(({ readyMs }) => Math.max(...readyMs));
  const rows = LIMITS.map((limit) => {
    const all = of(limit).flatMap(({ readyMs }) => readyMs);
    const own = of(limit).flatMap(({ startMs }) => startMs);
    const { low, high } = extentOf(lasts(limit));
    const numbers = [percentile(all, 50), percentile(lasts(limit), 50), low, high, percentile(own, 50)];
    return [`${limit}`, ...numbers.map(figureText)];
  });
  return {
    name: startsAtOnce.name,
    title: startsAtOnce.title,
    tables: [
      {
        title: `${REPLICAS} stopped replicas of one container, ms`,
        columns: ['starts at a time', 'half of them ready', 'all ready, p50', 'soonest', 'latest', 'one start, p50'],
        rows,
      },
    ],
    goals: [],
    method: [
      'Containers of the example app (Node) that have run before, stopped. From the order for all of them until the first answer of each, asked every 20 ms; a place is free for the next one then, as with the wake budget.',
      'Each number of starts has its turn in every round; none is always the first.',
    ],
    chart: {
      title: 'Until all are ready, p50',
      unit: 'ms',
      groups: LIMITS.map((limit) => ({
        label: `${limit} at a time`,
        bars: [
          { label: '', value: percentile(lasts(limit), 50), range: extent(lasts(limit)), isOurs: true, goal: null },
        ],
      })),
    },
    versions: {},
    data: runs,
  };
}

function extentOf(values: readonly number[]): { readonly low: number; readonly high: number } {
  return { low: Math.min(...values), high: Math.max(...values) };
}
