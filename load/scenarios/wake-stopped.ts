/**
 * What Tidegate adds to a wake from stopped: a request to a stopped set as a whole, against `docker start` and the app's
 * own start up to its first answer on its bridge address. The two take turns on containers of the same image.
 */
import { addressOf, HELLO_PORT, runHello } from '../../test/support/hello.ts';
import { until } from '../../test/support/until.ts';
import { ask, firstAnswer } from '../client.ts';
import type { Report } from '../report.ts';
import type { LoadContext, Scenario } from '../scenario.ts';
import { Stage } from '../stage.ts';
import { extent, percentile } from '../statistics.ts';
import { figureText, timesRow } from '../table.ts';

const RUNS = 50;
const GOAL_P50_MS = 20;
const APP = 'stopped';
const STOP = '300ms';
const TIMEOUT_MS = 30_000;
const POLL_MS = 2;

interface Run {
  /** From the call that starts the container to the end of the app's first answer. */
  readonly plainMs: number;
  /** Whole request through the gateway. */
  readonly gatewayMs: number;
  /** What the gateway said of the wake. */
  readonly wakeMs: number;
}

type Container = Awaited<ReturnType<typeof runHello>>['container'];

export const wakeStopped: Scenario = {
  name: 'wake-stopped',
  title: 'What Tidegate adds to a wake from stopped',
  parts: [],
  run: runWakeStopped,
};

async function runWakeStopped({ options, progress, signal }: LoadContext): Promise<Report> {
  const count = options.rounds ?? RUNS;
  await using stage = await Stage.open();
  const { container: plain } = await runHello(stage.engine, { name: 'plain', labels: {} });
  const labels = { 'tidegate.app': APP, 'tidegate.scale.min': '0', 'tidegate.scale.stop': STOP };
  const { container: kept } = await runHello(stage.engine, { name: APP, labels });
  const runs: Run[] = [];
  for (let i = 0; i < count; i++) {
    signal.throwIfAborted();
    progress(`run ${i + 1} of ${count}`);
    await Promise.all([plain.stop({ t: 10 }).catch(unlessStopped), untilStopped(stage, kept)]);
    // Neither is always the first, as the first finds what the last one has warmed.
    const plainFirst = i % 2 === 0 ? await plainStart(plain, signal) : null;
    const { gatewayMs, wakeMs } = await gatewayWake(stage);
    const plainMs = plainFirst ?? (await plainStart(plain, signal));
    runs.push({ plainMs, gatewayMs, wakeMs });
  }
  return { ...report(runs), versions: await stage.versions() };
}

async function plainStart(container: Container, signal: AbortSignal): Promise<number> {
  const begun = performance.now();
  await container.start();
  const host = await addressOf(container);
  const answer = await firstAnswer(
    { host, port: HELLO_PORT, hostname: null, timeoutMs: TIMEOUT_MS, everyMs: POLL_MS },
    signal,
  );
  return answer.endedAt - begun;
}

async function gatewayWake({ tidegate }: Stage): Promise<{ gatewayMs: number; wakeMs: number }> {
  const { status, ms, wakeMs } = await ask({
    host: '127.0.0.1',
    port: tidegate.port,
    hostname: `${APP}.localhost`,
    timeoutMs: TIMEOUT_MS,
  });
  if (status !== 200) throw new Error(`${APP} answered ${status}`);
  if (wakeMs === null) throw new Error('the set was not asleep');
  return { gatewayMs: ms, wakeMs };
}

async function untilStopped(stage: Stage, container: Container): Promise<void> {
  await stage.untilPhase(APP, 'stopped');
  await until(async () => !(await container.inspect()).State.Running, { what: `${APP} is down` });
}

/** 304: it is down already. */
function unlessStopped(error: { statusCode?: number }): void {
  if (error.statusCode !== 304) throw error;
}

function report(runs: readonly Run[]): Report {
  const plain = runs.map((run) => run.plainMs);
  const gateway = runs.map((run) => run.gatewayMs);
  const added = runs.map((run) => run.gatewayMs - run.plainMs);
  const overhead = percentile(gateway, 50) - percentile(plain, 50);
  const rows = [
    timesRow('docker start and the app itself', plain, [50, 99]),
    timesRow('request through the gateway', gateway, [50, 99]),
    timesRow(
      'of it the wake',
      runs.map((run) => run.wakeMs),
      [50, 99],
    ),
    timesRow('difference, run by run', added, [50, 99]),
  ];
  const bars = [
    { label: 'docker start + app', value: percentile(plain, 50), range: extent(plain), isOurs: false, goal: null },
    { label: 'through Tidegate', value: percentile(gateway, 50), range: extent(gateway), isOurs: true, goal: null },
  ];
  return {
    name: wakeStopped.name,
    title: wakeStopped.title,
    method: [
      'Without Tidegate: from the start call to the end of the first answer with status 200 on the bridge address, asked every 2 ms.',
      'Through Tidegate: one request to the stopped set, from the connect to the end of the answer; it had to carry the `wake` metric.',
      `The set was stopped by itself after ${STOP} without a request. The two take turns, and in turn go first.`,
      'The app is the example app (Node). Percentiles are by nearest rank.',
    ],
    tables: [{ title: 'From stopped, ms', columns: ['', 'runs', 'p50', 'p99', 'min–max'], rows }],
    goals: [
      {
        what: 'overhead over docker start and the app itself',
        goal: `p50 ≤ ${GOAL_P50_MS} ms`,
        measured: `${figureText(overhead)} ms (run by run: ${figureText(percentile(added, 50))} ms)`,
        met: overhead <= GOAL_P50_MS,
      },
    ],
    chart: {
      title: 'From stopped to the first answer, p50',
      unit: 'ms',
      groups: [{ label: 'p50 with min–max', bars }],
    },
    versions: {},
    data: runs,
  };
}
