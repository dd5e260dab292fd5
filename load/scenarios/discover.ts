/**
 * How long a started container waits to be reachable through the gateway, beyond the time its app itself takes to start.
 *
 * Measured twice: on one container that is asked both ways at once, so that what the app takes cancels out run by run;
 * and on containers that are asked one way each, in turn, so that neither client can help or hinder the other.
 */
import { addressOf, HELLO_PORT, runHello } from '../../test/support/hello.ts';
import type { Bar } from '../chart.ts';
import { firstAnswer } from '../client.ts';
import { EngineStarts } from '../engine-starts.ts';
import type { Goal, Report } from '../report.ts';
import { isChosen, type LoadContext, type Scenario } from '../scenario.ts';
import { Stage } from '../stage.ts';
import { percentile } from '../statistics.ts';
import { figureText, timesRow } from '../table.ts';

const RUNS = 50;
const GOAL_P99_MS = 50;
const POLL_MS = 2;
const TIMEOUT_MS = 30_000;
const PERCENTS = [50, 99];
const PARTS = ['together', 'apart'];

/** Ms from the Engine's start event to the first whole 200. */
interface Run {
  readonly direct: number;
  readonly gateway: number;
}

export const discover: Scenario = {
  name: 'discover',
  title: 'From the start of a labelled container to its first answer through the gateway',
  parts: PARTS,
  run: runDiscover,
};

async function runDiscover(context: LoadContext): Promise<Report> {
  const { options, progress, signal } = context;
  const runs = options.rounds ?? RUNS;
  await using stage = await Stage.open();
  using starts = await EngineStarts.follow(stage.engine);
  const together: Run[] = [];
  const apart: Run[] = [];
  for (let i = 0; i < runs; i++) {
    signal.throwIfAborted();
    progress(`run ${i + 1} of ${runs}`);
    if (isChosen('together', PARTS, options))
      together.push(await once(stage, starts, `both${i}`, ['direct', 'gateway'], signal));
    if (isChosen('apart', PARTS, options)) {
      const { direct } = await once(stage, starts, `direct${i}`, ['direct'], signal);
      const { gateway } = await once(stage, starts, `gateway${i}`, ['gateway'], signal);
      apart.push({ direct, gateway });
    }
  }
  return { ...report(together, apart), versions: await stage.versions() };
}

type Way = 'direct' | 'gateway';

/** One container from its start to its end. A way that is not asked is NaN. */
async function once(
  stage: Stage,
  starts: EngineStarts,
  app: string,
  ways: readonly Way[],
  signal: AbortSignal,
): Promise<Run> {
  const labels = ways.includes('gateway') ? { 'tidegate.app': app } : {};
  const { container } = await runHello(stage.engine, { name: app, labels, start: false });
  try {
    const started = starts.of(container.id);
    await container.start();
    const startedAt = await started;
    const common = { timeoutMs: TIMEOUT_MS, everyMs: POLL_MS };
    const direct = async (): Promise<number> => {
      const answer = await firstAnswer(
        { ...common, host: await addressOf(container), port: HELLO_PORT, hostname: null },
        signal,
      );
      return answer.endedAt - startedAt;
    };
    const gateway = async (): Promise<number> => {
      const { port } = stage.tidegate;
      const answer = await firstAnswer({ ...common, host: '127.0.0.1', port, hostname: `${app}.localhost` }, signal);
      return answer.endedAt - startedAt;
    };
    const [first, second] = await Promise.all([
      ways.includes('direct') ? direct() : Number.NaN,
      ways.includes('gateway') ? gateway() : Number.NaN,
    ]);
    return { direct: first, gateway: second };
  } finally {
    await container.remove({ force: true, v: true });
  }
}

function report(together: readonly Run[], apart: readonly Run[]): Report {
  const rows = [...waysRows('asked both ways', together), ...waysRows('asked one way', apart)];
  const added = together.map(({ direct, gateway }) => gateway - direct);
  const [p50, p99] = added.length > 0 ? [percentile(added, 50), percentile(added, 99)] : [Number.NaN, Number.NaN];
  if (added.length > 0) rows.splice(2, 0, timesRow('asked both ways: the difference', added, PERCENTS));
  const goal: Goal = {
    what: 'what Tidegate adds (asked both ways)',
    goal: `p99 ≤ ${GOAL_P99_MS} ms`,
    measured: `p50 ${figureText(p50)} ms, p99 ${figureText(p99)} ms`,
    met: p99 <= GOAL_P99_MS,
  };
  const bars: Bar[] = [
    { label: 'p50', value: p50, range: null, isOurs: true, goal: null },
    { label: 'p99', value: p99, range: null, isOurs: true, goal: GOAL_P99_MS },
  ];
  return {
    name: discover.name,
    title: discover.title,
    method: [
      'Time runs from the `start` event of the Engine to the end of the first answer with status 200.',
      `Clients ask on a new connection every ${POLL_MS} ms; through the gateway a request that is held counts as one.`,
      'Both ways: one container is asked on its bridge address and through the gateway at once; the difference is taken run by run.',
      'One way: containers in turn, one without labels asked directly, one with labels asked through the gateway; to show that being asked both ways changes neither.',
      'The app is the example app (Node). Percentiles are by nearest rank: of 50 runs p99 is the slowest.',
    ],
    tables: [
      { title: 'From the start event to the first 200, ms', columns: ['', 'runs', 'p50', 'p99', 'min–max'], rows },
    ],
    goals: added.length > 0 ? [goal] : [],
    chart: {
      title: 'What Tidegate adds to the start of an app',
      unit: 'ms',
      groups: added.length > 0 ? [{ label: 'added', bars }] : [],
    },
    versions: {},
    data: { together, apart },
  };
}

function waysRows(how: string, runs: readonly Run[]): string[][] {
  if (runs.length === 0) return [];
  const [direct, gateway] = [runs.map((run) => run.direct), runs.map((run) => run.gateway)];
  return [
    timesRow(`${how}: the app itself`, direct, PERCENTS),
    timesRow(`${how}: through the gateway`, gateway, PERCENTS),
  ];
}
