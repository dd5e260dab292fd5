/**
 * A new version takes over from the running one (SIGUSR2) under some 2,000 new connections a second, a request each: how
 * many of them fail. None should.
 */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runHello } from '../../test/support/hello.ts';
import { sendSignal } from '../../test/support/system-processes.ts';
import { until } from '../../test/support/until.ts';
import { firstAnswer } from '../client.ts';
import { planCores } from '../processes.ts';
import type { Report } from '../report.ts';
import type { LoadContext, Scenario } from '../scenario.ts';
import { Stage } from '../stage.ts';
import { figureText } from '../table.ts';
import { runWrk, type WrkResult } from '../wrk.ts';

const APP = 'steady';
const SCRIPT = path.join(import.meta.dirname, '../proxies/paced.lua');
/** These and the pause make the rate: 64 every 32 ms. */
const CONNECTIONS = 96;
const PAUSE_MS = 32;
const WANTED_PER_SECOND = (CONNECTIONS * 1000) / PAUSE_MS;
const SECONDS = 20;
const TIMEOUT_MS = 60_000;
const POLL_MS = 20;
const SERVES = '"the new version serves"';

interface Findings {
  readonly load: WrkResult;
  /** From the signal until the new version serves. */
  readonly takeoverMs: number;
}

export const upgrade: Scenario = {
  name: 'upgrade',
  title: `A new version takes over under ${WANTED_PER_SECOND} connections a second`,
  parts: [],
  run: runUpgrade,
};

async function runUpgrade({ options, progress, signal }: LoadContext): Promise<Report> {
  const seconds = options.seconds ?? SECONDS;
  progress('starting');
  await using stage = await Stage.open({ settings: { TIDEGATE_WORKERS: '2' } });
  const { engine, tidegate } = stage;
  await runHello(engine, { name: APP });
  const hostname = `${APP}.localhost`;
  const address = { host: '127.0.0.1', port: tidegate.port, hostname, timeoutMs: TIMEOUT_MS };
  await firstAnswer({ ...address, everyMs: POLL_MS }, signal);
  const running = runWrk(
    {
      port: tidegate.port,
      path: '/',
      connections: CONNECTIONS,
      seconds,
      headers: { Host: hostname, Connection: 'close' },
      script: [SCRIPT, String(PAUSE_MS)],
      cores: planCores().load,
      threads: 1,
    },
    signal,
  );
  running.catch(() => {}); // seen below, whatever happens until then
  await sleep((seconds * 1000) / 4, undefined, { signal });
  progress('the new version takes over');
  const begun = performance.now();
  sendSignal(tidegate.pid, 'SIGUSR2');
  await until(() => tidegate.log.includes(SERVES), { what: 'the new version serves', timeoutMs: TIMEOUT_MS });
  const takeoverMs = performance.now() - begun;
  const load = await running;
  return { ...report({ load, takeoverMs }, seconds), versions: await stage.versions() };
}

function report({ load, takeoverMs }: Findings, seconds: number): Report {
  const perSecond = load.requests / load.seconds;
  const wasWithin = takeoverMs < (seconds * 1000 * 3) / 4;
  const goal = (what: string, count: number): Report['goals'][number] => ({
    what,
    goal: '0',
    measured: String(count),
    met: count === 0,
  });
  return {
    name: upgrade.name,
    title: upgrade.title,
    method: [
      `wrk with ${CONNECTIONS} connections, each closed after its request and opened again, ${PAUSE_MS} ms before each request: up to ${WANTED_PER_SECOND} a second for ${seconds} s.`,
      `After a quarter of the time the supervisor got SIGUSR2; two workers before and after, one container behind them.`,
    ],
    tables: [
      {
        title: 'Requests, each on a connection of its own',
        columns: ['', 'requests', '1/s', 'p50 ms', 'p99 ms', 'max ms'],
        rows: [
          ['all the time', String(load.requests), ...[perSecond, load.p50Ms, load.p99Ms, load.maxMs].map(figureText)],
        ],
      },
    ],
    goals: [
      goal('refused, reset or unanswered', load.socketErrors),
      goal('answers other than 200', load.badAnswers),
      {
        what: 'the takeover ended under load',
        goal: 'yes',
        measured: `after ${figureText(takeoverMs)} ms`,
        met: wasWithin,
      },
    ],
    chart: {
      title: 'Requests while a new version takes over',
      unit: 'ms',
      groups: [
        {
          label: 'all the time',
          bars: [
            { label: 'p50', value: load.p50Ms, range: null, isOurs: true, goal: null },
            { label: 'p99', value: load.p99Ms, range: null, isOurs: true, goal: null },
          ],
        },
      ],
    },
    versions: {},
    data: { load, takeoverMs },
  };
}
