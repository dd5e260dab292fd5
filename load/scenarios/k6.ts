/**
 * The questions of users, as k6 scripts: an even load, a crowd from one second to the next, an app that sleeps, many of
 * them, an app that is put to sleep under its users, a day, and a long time. Run here by the runner under Node; k6 runs the same files.
 */
import { type Hello, runHello } from '../../test/support/hello.ts';
import type { Summary } from '../k6-runtime/script.ts';
import { runUnderNode } from '../k6-script.ts';
import { processTree, residentMb } from '../proc.ts';
import type { Goal, Report } from '../report.ts';
import { isChosen, type LoadContext, type Scenario } from '../scenario.ts';
import { Stage } from '../stage.ts';
import { median } from '../statistics.ts';
import { figureText } from '../table.ts';

const SECONDS = 60;
const RESIDENT_SAMPLE_MS = 1000;
/** Memory counts as flat when its last quarter is at most that much above its second one. */
const FLAT_FACTOR = 1.1;

interface Script {
  readonly name: string;
  /** Of the app it asks, beside `tidegate.app`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly asleep: boolean;
  readonly seconds: number;
  /** Apps, called by its name and a number; one, called by its name, if not given. */
  readonly apps?: number;
}

const SLEEPY = { 'tidegate.scale.min': '0', 'tidegate.scale.stop': '10m' };
const SCRIPTS: readonly Script[] = [
  { name: 'steady', labels: {}, asleep: false, seconds: SECONDS },
  { name: 'spike', labels: SLEEPY, asleep: true, seconds: SECONDS },
  { name: 'cold-start', labels: { ...SLEEPY, 'tidegate.scale.stop': '1s' }, asleep: true, seconds: SECONDS },
  { name: 'churn', labels: SLEEPY, asleep: true, seconds: SECONDS },
  {
    name: 'step',
    labels: { 'tidegate.concurrency': '10', 'tidegate.scale.max': '8' },
    asleep: false,
    seconds: SECONDS,
  },
  {
    name: 'diurnal',
    labels: {
      'tidegate.concurrency': '5',
      'tidegate.scale.min': '3',
      'tidegate.scale.max': '12',
      'tidegate.scale.window': '6s',
      'tidegate.scale.cooldown': '3s',
    },
    asleep: false,
    seconds: 240,
  },
  { name: 'asleep', labels: { ...SLEEPY, 'tidegate.scale.stop': '5s' }, asleep: true, seconds: SECONDS, apps: 200 },
  { name: 'soak', labels: {}, asleep: false, seconds: 600 },
];
const NAMES = SCRIPTS.map(({ name }) => name);

interface Outcome {
  readonly script: string;
  readonly seconds: number;
  readonly summary: Summary;
  /** Of Tidegate, in MB, one a second. */
  readonly resident: readonly number[];
}

export const k6: Scenario = {
  name: 'k6',
  title: 'What users notice: the k6 scripts',
  parts: NAMES,
  run: runK6,
};

async function runK6({ options, progress, signal }: LoadContext): Promise<Report> {
  await using stage = await Stage.open();
  const outcomes: Outcome[] = [];
  for (const script of SCRIPTS.filter(({ name }) => isChosen(name, NAMES, options))) {
    signal.throwIfAborted();
    const seconds = options.seconds ?? script.seconds;
    progress(`${script.name}, ${seconds} s and more`);
    outcomes.push(await runScript(stage, script, { seconds, signal }));
  }
  return { ...report(outcomes), versions: await stage.versions() };
}

async function runScript(
  stage: Stage,
  { name, labels, asleep, apps }: Script,
  { seconds, signal }: { readonly seconds: number; readonly signal: AbortSignal },
): Promise<Outcome> {
  const { engine, tidegate } = stage;
  const resident: number[] = [];
  const made: Hello['container'][] = [];
  let sampler: NodeJS.Timeout | undefined;
  const names = apps === undefined ? [name] : Array.from({ length: apps }, (_, i) => `${name}-${i + 1}`);
  try {
    for (const app of names) {
      signal.throwIfAborted();
      const options = { name: app, labels: { 'tidegate.app': app, ...labels }, start: !asleep };
      made.push((await runHello(engine, options)).container);
    }
    for (const app of names) await stage.untilPhase(app, asleep ? 'stopped' : 'ready');
    sampler = setInterval(() => resident.push(residentMb(processTree(tidegate.pid))), RESIDENT_SAMPLE_MS);
    const environment = {
      GATEWAY: `http://127.0.0.1:${tidegate.port}`,
      ADMIN: `http://127.0.0.1:${tidegate.adminPort}`,
      TOKEN: stage.token,
      APP: name,
      SECONDS: String(seconds),
      ...(apps === undefined ? {} : { COUNT: String(apps) }),
    };
    return { script: name, seconds, summary: await runUnderNode(name, environment, signal), resident };
  } finally {
    clearInterval(sampler);
    for (const container of made) await container.remove({ force: true, v: true });
  }
}

function report(outcomes: readonly Outcome[]): Report {
  const rows = outcomes.map(({ script, seconds, summary, resident }) => {
    const of = (metric: string, aggregate: string): string =>
      figureText(summary.metrics[metric]?.[aggregate] ?? Number.NaN);
    const times = ['med', 'p(99)', 'max'].map((aggregate) => of('http_req_duration', aggregate));
    const failed = ((summary.metrics.http_req_failed?.rate ?? 0) * (summary.metrics.http_reqs?.count ?? 0)).toFixed(0);
    return [script, String(seconds), of('http_reqs', 'count'), failed, ...times, figureText(Math.max(...resident, 0))];
  });
  const goals = outcomes.flatMap(({ script, summary, resident }): Goal[] => {
    const thresholds = summary.thresholds.map(({ threshold, value, held }): Goal => {
      const [what = '', goal = ''] = threshold.split(/: (?=[^:]*$)/);
      return { what: `${script}: ${what}`, goal, measured: figureText(value), met: held };
    });
    return script === 'soak' ? [...thresholds, flatMemory(resident)] : thresholds;
  });
  const groups = outcomes.map(({ script, summary }) => ({
    label: script,
    bars: ['med', 'p(95)', 'p(99)'].map((aggregate) => {
      const value = summary.metrics.http_req_duration?.[aggregate] ?? 0;
      return { label: aggregate, value, range: null, isOurs: true, goal: null };
    }),
  }));
  return {
    name: k6.name,
    title: k6.title,
    method: [
      'Each script ran for itself against the example app (Node), one replica where nothing else is said in its labels, with Tidegate, the Engine, the app and the load on one machine.',
      'Run by the runner under Node; times are from the first octet sent to the last one received, wakes included.',
      'Thresholds are those of the scripts. RSS is that of all processes of Tidegate, its highest.',
    ],
    tables: [
      {
        title: 'By script',
        columns: ['script', 's', 'requests', 'failed', 'p50 ms', 'p99 ms', 'max ms', 'RSS MB'],
        rows,
      },
    ],
    goals,
    chart: { title: 'Requests by script', unit: 'ms', groups },
    versions: {},
    data: outcomes,
  };
}

function flatMemory(resident: readonly number[]): Goal {
  const quarter = Math.floor(resident.length / 4);
  const [early, late] = [resident.slice(quarter, 2 * quarter), resident.slice(-quarter)];
  const growth = quarter > 0 ? median(late) / median(early) : Number.NaN;
  return {
    what: 'soak: RSS of the last quarter to the second',
    goal: `≤ ${FLAT_FACTOR}×`,
    measured: `${figureText(growth)}×`,
    met: growth <= FLAT_FACTOR,
  };
}
