/**
 * How long a request to a frozen set takes as a whole: with the freezer written directly, and through the Engine's pause,
 * which containers with a HEALTHCHECK need. The two take turns; the same request to the running set stands beside them.
 */
import { runHello } from '../../test/support/hello.ts';
import { ask, firstAnswer, type TimedAnswer } from '../client.ts';
import { type Report, type TimeGoal, timeGoals } from '../report.ts';
import { isChosen, type LoadContext, type Scenario } from '../scenario.ts';
import { Stage } from '../stage.ts';
import { percentile } from '../statistics.ts';
import { timesRow } from '../table.ts';

const RUNS = 100;
const PAUSE = '250ms';
const TIMEOUT_MS = 30_000;
const POLL_MS = 10;
const HOUR_NS = 3.6e12;
const KINDS = ['direct', 'engine'] as const;
type Kind = (typeof KINDS)[number];

const WORDS: Readonly<Record<Kind, string>> = { direct: 'freezer written directly', engine: "the Engine's pause" };
const GOALS_MS: Readonly<Record<Kind, readonly TimeGoal[]>> = {
  direct: [
    [50, 5],
    [99, 25],
  ],
  engine: [[50, 35]],
};

interface Run {
  readonly kind: Kind;
  /** Whole request to the frozen set. */
  readonly frozenMs: number;
  /** What the gateway said of the wake. */
  readonly wakeMs: number;
  /** The same request right after it. */
  readonly runningMs: number;
}

export const wakeFrozen: Scenario = {
  name: 'wake-frozen',
  title: 'A whole request to a frozen set',
  parts: KINDS,
  run: runWakeFrozen,
};

async function runWakeFrozen({ options, progress, signal }: LoadContext): Promise<Report> {
  const count = options.rounds ?? RUNS;
  const kinds = KINDS.filter((kind) => isChosen(kind, KINDS, options));
  await using stage = await Stage.open();
  for (const kind of kinds) await prepare(stage, kind, signal);
  const runs: Run[] = [];
  for (let i = 0; i < count; i++) {
    progress(`run ${i + 1} of ${count}`);
    for (const kind of kinds) {
      signal.throwIfAborted();
      runs.push(await once(stage, kind));
    }
  }
  return { ...report(kinds, runs), versions: await stage.versions() };
}

/** A container that falls asleep; asked once, so that the app has served before, and seen frozen the way it should be. */
async function prepare(stage: Stage, kind: Kind, signal: AbortSignal): Promise<void> {
  const labels = {
    'tidegate.app': kind,
    'tidegate.scale.min': '0',
    'tidegate.scale.pause': PAUSE,
    'tidegate.scale.stop': '1h',
  };
  // The check itself never runs within the hour: it is there, and that is what counts.
  const create = kind === 'engine' ? { Healthcheck: { Test: ['CMD', 'node', '-e', '0'], Interval: HOUR_NS } } : {};
  const { container } = await runHello(stage.engine, { name: kind, labels, create });
  const { port } = stage.tidegate;
  const hostname = `${kind}.localhost`;
  await firstAnswer({ host: '127.0.0.1', port, hostname, timeoutMs: TIMEOUT_MS, everyMs: POLL_MS }, signal);
  await stage.untilPhase(kind, 'frozen');
  const { State } = await container.inspect();
  if (State.Paused !== (kind === 'engine')) throw new Error(`${kind} was frozen the other way`);
}

async function once(stage: Stage, kind: Kind): Promise<Run> {
  await stage.untilPhase(kind, 'frozen');
  const frozen = await askSet(stage, kind);
  if (frozen.wakeMs === null) throw new Error('the set was not asleep');
  const running = await askSet(stage, kind);
  return { kind, frozenMs: frozen.ms, wakeMs: frozen.wakeMs, runningMs: running.ms };
}

async function askSet({ tidegate }: Stage, kind: Kind): Promise<TimedAnswer> {
  const answer = await ask({
    host: '127.0.0.1',
    port: tidegate.port,
    hostname: `${kind}.localhost`,
    timeoutMs: TIMEOUT_MS,
  });
  if (answer.status !== 200) throw new Error(`${kind} answered ${answer.status}`);
  return answer;
}

function report(kinds: readonly Kind[], runs: readonly Run[]): Report {
  const times = (kind: Kind, read: (run: Run) => number): number[] => runs.filter((run) => run.kind === kind).map(read);
  const rows = kinds.flatMap((kind) => [
    timesRow(
      `${WORDS[kind]}: from frozen`,
      times(kind, (run) => run.frozenMs),
      [50, 90, 99],
    ),
    timesRow(
      `${WORDS[kind]}: of it the wake`,
      times(kind, (run) => run.wakeMs),
      [50, 90, 99],
    ),
    timesRow(
      `${WORDS[kind]}: while running`,
      times(kind, (run) => run.runningMs),
      [50, 90, 99],
    ),
  ]);
  const goals = kinds.flatMap((kind) =>
    timeGoals(
      `from frozen, ${WORDS[kind]}`,
      GOALS_MS[kind],
      times(kind, (run) => run.frozenMs),
    ),
  );
  const groups = kinds.map((kind) => ({
    label: WORDS[kind],
    bars: [50, 90, 99].map((percent) => {
      const value = percentile(
        times(kind, (run) => run.frozenMs),
        percent,
      );
      const goal = GOALS_MS[kind].find(([one]) => one === percent)?.[1] ?? null;
      return { label: `p${percent}`, value, range: null, isOurs: true, goal };
    }),
  }));
  return {
    name: wakeFrozen.name,
    title: wakeFrozen.title,
    method: [
      'A client opens a connection to the gateway, asks `GET /` and reads the whole answer; all of that counts.',
      `The set was frozen by itself after ${PAUSE} without a request; every answer had to carry the \`wake\` metric.`,
      'Direct: a container without HEALTHCHECK. Through the Engine: one with a HEALTHCHECK, seen as paused by the Engine.',
      'The two kinds take turns. The app is the example app (Node). Percentiles are by nearest rank.',
    ],
    tables: [{ title: 'Whole requests, ms', columns: ['', 'runs', 'p50', 'p90', 'p99', 'min–max'], rows }],
    goals,
    chart: { title: 'A whole request to a frozen set', unit: 'ms', groups },
    versions: {},
    data: runs,
  };
}
