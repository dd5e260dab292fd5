/**
 * Elastic against fixed: what a set that follows its load takes through a day with a burst, in replica seconds, beside a
 * fleet that is always as large as the peak needs; and what the users of each notice. Both see the same day.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Summary } from '../k6-runtime/script.ts';
import { runUnderNode } from '../k6-script.ts';
import { svgLines } from '../line-chart.ts';
import type { Goal, Report } from '../report.ts';
import { isChosen, type LoadContext, type Scenario } from '../scenario.ts';
import { Stage } from '../stage.ts';
import { figureText } from '../table.ts';
import { ensureTinyApp } from '../tiny-app.ts';

const SECONDS = 240;
const DAY_SECONDS = 86_400;
const SAMPLE_MS = 250;
const CONCURRENCY = 5;
/** Of the hard limit, as the scaler aims at. */
const TARGET_SHARE = 0.7;
const PEAK_RATE = 350;
const NOON_RATE = 175;
const NIGHT_RATE = 10;
const WORK_MS = 100;
const ELASTIC_MIN = 3;
const FIXED = Math.ceil((PEAK_RATE * WORK_MS) / 1000 / (CONCURRENCY * TARGET_SHARE));
const ELASTIC_MAX = FIXED + 2;
/** A tenth of the defaults. */
const WINDOW_S = 6;
const COOLDOWN_S = 3;

const SHARE_MAX = 0.5;
const P99_MAX = 1.2;

const FLEETS = ['fixed', 'elastic'] as const;
type Fleet = (typeof FLEETS)[number];

const SCALE: Readonly<Record<Fleet, Readonly<Record<string, string>>>> = {
  fixed: { 'tidegate.scale.min': String(FIXED), 'tidegate.scale.max': String(FIXED) },
  elastic: { 'tidegate.scale.min': String(ELASTIC_MIN), 'tidegate.scale.max': String(ELASTIC_MAX) },
};

/** Replicas at a time in seconds from the start of the day. */
type Sample = readonly [second: number, replicas: number];

interface Day {
  readonly fleet: Fleet;
  readonly summary: Summary;
  /** Those that take resources: awake, starting or ending. */
  readonly replicas: readonly Sample[];
  readonly replicaSeconds: number;
}

export const diurnal: Scenario = {
  name: 'diurnal',
  title: 'A day with a burst: an elastic set beside a fleet for the peak',
  parts: FLEETS,
  run: runDiurnal,
};

async function runDiurnal({ options, progress, signal }: LoadContext): Promise<Report> {
  const seconds = options.seconds ?? SECONDS;
  const days: Day[] = [];
  let versions: Report['versions'] = {};
  for (const fleet of FLEETS.filter((one) => isChosen(one, FLEETS, options))) {
    signal.throwIfAborted();
    progress(`${fleet}, ${seconds} s and more`);
    // On a stage of its own: nothing is left there of the other.
    await using stage = await Stage.open();
    days.push(await runDay(stage, fleet, { seconds, signal }));
    versions = await stage.versions();
  }
  return { ...report(days, seconds), versions };
}

async function runDay(
  stage: Stage,
  fleet: Fleet,
  { seconds, signal }: { readonly seconds: number; readonly signal: AbortSignal },
): Promise<Day> {
  const { engine, tidegate } = stage;
  const container = await engine.docker.createContainer({
    name: fleet,
    Image: await ensureTinyApp(engine),
    Labels: {
      ...{ 'tidegate.app': fleet, 'tidegate.concurrency': String(CONCURRENCY) },
      ...{ 'tidegate.scale.window': `${WINDOW_S}s`, 'tidegate.scale.cooldown': `${COOLDOWN_S}s` },
      ...SCALE[fleet],
    },
  });
  await container.start();
  const first = fleet === 'fixed' ? FIXED : ELASTIC_MIN;
  await stage.untilReady(fleet, first);
  const over = new AbortController();
  const watching = watch(stage, fleet, AbortSignal.any([over.signal, signal]));
  try {
    const environment = {
      ...{ GATEWAY: `http://127.0.0.1:${tidegate.port}`, APP: fleet, SECONDS: String(seconds) },
      ...{ LOW: String(NIGHT_RATE), NOON: String(NOON_RATE), BURST: String(PEAK_RATE) },
    };
    const summary = await runUnderNode('diurnal', environment, signal);
    over.abort();
    const replicas = await watching;
    return { fleet, summary, replicas, replicaSeconds: integral(replicas) };
  } finally {
    over.abort();
    await watching;
  }
}

async function watch(stage: Stage, app: string, signal: AbortSignal): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  const begun = performance.now();
  while (!signal.aborted) {
    const { replicas } = await stage.set(app);
    const up = replicas.filter(({ tier }) => tier === 'running').length;
    samples.push([(performance.now() - begun) / 1000, up]);
    await sleep(SAMPLE_MS, undefined, { signal }).catch(() => {});
  }
  return samples;
}

/** Each number holds until the next was seen. */
function integral(samples: readonly Sample[]): number {
  return samples.reduce((total, [second, replicas], i) => {
    const next = samples[i + 1]?.[0] ?? second;
    return total + replicas * (next - second);
  }, 0);
}

function report(days: readonly Day[], seconds: number): Omit<Report, 'versions'> {
  const press = Math.round(DAY_SECONDS / seconds);
  return {
    name: diurnal.name,
    title: diurnal.title,
    method: [
      `A day in ${seconds} s, ${press} times as quick: ${NIGHT_RATE} requests a second at night, ${NOON_RATE} at noon, and in the afternoon a burst of ${PEAK_RATE} that builds up, stays and goes within ${figureText(seconds / 30)} s each (\`load/k6/diurnal.js\`).`,
      `The window of the load is ${WINDOW_S} s and the cool-down ${COOLDOWN_S} s: a tenth of the defaults. Starts take the time that they take; in a real day the load gives ${press} times as much time to follow.`,
      `The app answers after ${WORK_MS} ms of waiting, ${CONCURRENCY} requests at a time and replica. The fixed fleet has the ${FIXED} replicas that the peak needs at ${TARGET_SHARE * 100} % of that, the elastic one ${ELASTIC_MIN} to ${ELASTIC_MAX}.`,
      'Both days are run one after the other, each with an Engine and a Tidegate of its own, by the same script; load, Tidegate, Engine and app share the machine.',
      `A replica counts from the moment at which it is made or started until it has ended, seen every ${SAMPLE_MS} ms.`,
    ],
    tables: [
      {
        title: 'The same day',
        columns: ['fleet', 'replica seconds', 'most', 'requests', 'errors', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms'],
        rows: days.map(rowOf),
      },
    ],
    goals: goalsOf(days),
    chart: {
      title: 'Replica seconds of the same day',
      unit: 's',
      groups: [
        {
          label: 'a fleet for the peak and an elastic one',
          bars: days.map(({ fleet, replicaSeconds }) => {
            return { label: fleet, value: replicaSeconds, range: null, isOurs: fleet === 'elastic', goal: null };
          }),
        },
      ],
    },
    pictures: [{ name: 'replicas', title: 'Replicas over the day', svg: picture(days, seconds) }],
    data: days,
  };
}

function rowOf({ fleet, summary, replicas, replicaSeconds }: Day): readonly string[] {
  const most = Math.max(...replicas.map(([, count]) => count));
  const times = ['med', 'p(95)', 'p(99)', 'max'].map((aggregate) => figureText(timeOf(summary, aggregate)));
  const requests = summary.metrics.http_reqs?.count ?? 0;
  return [fleet, figureText(replicaSeconds), String(most), String(requests), String(errorsOf(summary)), ...times];
}

/** Those that failed and those that could not be sent. */
function errorsOf({ metrics }: Summary): number {
  const failed = Math.round((metrics.http_req_failed?.rate ?? 0) * (metrics.http_reqs?.count ?? 0));
  return failed + (metrics.dropped_iterations?.count ?? 0);
}

function timeOf({ metrics }: Summary, aggregate: string): number {
  return metrics.http_req_duration?.[aggregate] ?? Number.NaN;
}

function goalsOf(days: readonly Day[]): readonly Goal[] {
  const [fixed, elastic] = FLEETS.map((fleet) => days.find((day) => day.fleet === fleet));
  if (fixed === undefined || elastic === undefined) return [];
  const share = elastic.replicaSeconds / fixed.replicaSeconds;
  const slower = timeOf(elastic.summary, 'p(99)') / timeOf(fixed.summary, 'p(99)');
  const errors = errorsOf(elastic.summary);
  return [
    {
      ...{ what: 'replica seconds of the elastic set', goal: `≤ ${SHARE_MAX * 100} % of those of the fleet` },
      ...{ measured: `${figureText(share * 100)} %`, met: share <= SHARE_MAX },
    },
    { what: 'errors of the elastic set', goal: '0', measured: String(errors), met: errors === 0 },
    {
      ...{ what: 'p99 of the elastic set', goal: `≤ ${P99_MAX}× that of the fleet` },
      ...{ measured: `${figureText(slower)}×`, met: slower <= P99_MAX },
    },
  ];
}

function picture(days: readonly Day[], seconds: number): string {
  const colors: Readonly<Record<Fleet, string>> = { fixed: '#adb5bd', elastic: '#0b7285' };
  const series = days.map(({ fleet, replicas }) => {
    const values = Array.from({ length: seconds }, (_, second) => {
      return replicas.findLast(([at]) => at <= second + 1)?.[1] ?? null;
    });
    return { label: fleet, values, color: colors[fleet] };
  });
  return svgLines({ title: diurnal.title, seconds, panels: [{ title: 'replicas', series }] });
}
