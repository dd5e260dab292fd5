/**
 * What each tier of sleep costs whoever wakes it: a whole request to a set that is frozen, a sandbox, stopped or absent, of
 * an app that starts in some milliseconds; and how soon eight cold replicas are ready with spare sandboxes and without.
 */
import { deployHello } from '../../test/support/deployed-app.ts';
import type { TidegateProcess } from '../../test/support/tidegate.ts';
import { until } from '../../test/support/until.ts';
import { ask, type TimedAnswer } from '../client.ts';
import { type Goal, type Report, type TimeGoal, timeGoals } from '../report.ts';
import { isChosen, type LoadContext, type Scenario } from '../scenario.ts';
import { type SetState, Stage } from '../stage.ts';
import { extent, percentile } from '../statistics.ts';
import { figureText, timesRow } from '../table.ts';
import { ensureTinyApp } from '../tiny-app.ts';

const RUNS = 30;
const BURSTS = 6;
const BURST = 8;
const TIMEOUT_MS = 30_000;
const BURST_TIMEOUT_MS = 120_000;
const POLL_MS = 10;
const SETTLE_MS = 60_000;

const TIERS = ['frozen', 'sandbox', 'stopped', 'absent'] as const;
type Tier = (typeof TIERS)[number];
const PARTS = [...TIERS, 'burst'] as const;

/** After that idle time, each in the tier it is named by. */
const SCALE: Readonly<Record<Tier, object>> = {
  frozen: { min: 0, pause: '250ms', stop: 'off' },
  sandbox: { min: 0, sandbox: '250ms', stop: 'off' },
  stopped: { min: 0, stop: '250ms' },
  absent: { min: 0, stop: 'off', remove: '250ms' },
};
const GOALS_MS: Readonly<Record<Tier, readonly TimeGoal[]>> = {
  frozen: [
    [50, 3],
    [99, 20],
  ],
  sandbox: [[50, 200]],
  stopped: [[50, 330]],
  absent: [],
};
const BURST_SHARE = 0.6;

/** Where the gateway says the time went, in the order in which it went there. */
const TIMINGS = ['wake-decide', 'wake-engine', 'wake-probe', 'wake-queue', 'wake-first-byte'] as const;

type Wake = Pick<TimedAnswer, 'ms' | 'timings'>;

interface Figures {
  readonly wakes: Readonly<Record<Tier, readonly Wake[]>>;
  /** From the change of scale until all replicas are ready. */
  readonly bursts: { readonly without: readonly number[]; readonly with: readonly number[] };
}

export const wakeTiers: Scenario = {
  name: 'wake-tiers',
  title: 'What a wake costs by tier, and a burst with spare sandboxes',
  parts: PARTS,
  run: runWakeTiers,
};

async function runWakeTiers({ options, progress, signal }: LoadContext): Promise<Report> {
  const count = options.rounds ?? RUNS;
  const tiers = TIERS.filter((tier) => isChosen(tier, PARTS, options));
  const wakes: Record<Tier, Wake[]> = { frozen: [], sandbox: [], stopped: [], absent: [] };
  const versions = await measureWakes(wakes, { count, tiers, progress, signal });
  const bursts: { without: number[]; with: number[] } = { without: [], with: [] };
  if (isChosen('burst', PARTS, options)) {
    // The two take turns, so that whatever else the machine does falls on both.
    for (let i = 0; i < Math.max(1, Math.round((count * BURSTS) / RUNS)); i++) {
      for (const kind of ['without', 'with'] as const) {
        signal.throwIfAborted();
        progress(`burst ${i + 1}, ${kind} spares`);
        bursts[kind].push(await burst(kind === 'with' ? BURST : 0));
      }
    }
  }
  return { ...report({ wakes, bursts }, tiers), versions };
}

interface WakeOptions extends Pick<LoadContext, 'progress' | 'signal'> {
  readonly count: number;
  readonly tiers: readonly Tier[];
}

async function measureWakes(
  wakes: Readonly<Record<Tier, Wake[]>>,
  { count, tiers, progress, signal }: WakeOptions,
): Promise<Report['versions']> {
  await using stage = await Stage.open();
  const image = await ensureTinyApp(stage.engine);
  // One tier after the other: no wake is timed while the Engine stops the set that was woken before it.
  for (const tier of tiers) {
    await deploy(stage.tidegate, { app: tier, image, scale: SCALE[tier] });
    for (let i = 0; i < count; i++) {
      signal.throwIfAborted();
      progress(`${tier}, wake ${i + 1} of ${count}`);
      await untilTier(stage.tidegate, tier, tier);
      wakes[tier].push(await wake(stage.tidegate, tier));
    }
  }
  return await stage.versions();
}

async function deploy(
  tidegate: TidegateProcess,
  { app, image, scale }: { app: string; image: string; scale: object },
): Promise<void> {
  await deployHello(tidegate, { app, image, more: { health: { path: '/', interval: '2s' }, scale, drain: '1s' } });
}

function setOf(tidegate: TidegateProcess, app: string): Promise<SetState> {
  return tidegate.adminJson<SetState>(`/v1/apps/${app}/sets/web`);
}

async function untilTier(tidegate: TidegateProcess, app: string, tier: Tier): Promise<void> {
  await until(async () => (await setOf(tidegate, app)).tier === tier, {
    ...{ what: `${app} is ${tier}`, timeoutMs: SETTLE_MS, everyMs: POLL_MS },
  });
}

async function wake({ port }: TidegateProcess, app: string): Promise<Wake> {
  const answer = await ask({ host: '127.0.0.1', port, hostname: `${app}.localhost`, timeoutMs: TIMEOUT_MS });
  if (answer.status !== 200) throw new Error(`${app} answered ${answer.status}`);
  if (answer.wakeMs === null) throw new Error(`${app} was not asleep`);
  return { ms: answer.ms, timings: answer.timings };
}

/** On a stage of its own: nothing is left there of the one before. */
async function burst(spares: number): Promise<number> {
  await using stage = await Stage.open({ settings: { TIDEGATE_SPARES: String(spares) } });
  const { engine, tidegate } = stage;
  const image = await ensureTinyApp(engine);
  await deploy(tidegate, { app: 'burst', image, scale: { min: 0, max: BURST, stop: 'off', remove: '250ms' } });
  await untilTier(tidegate, 'burst', 'absent');
  await until(async () => (await running(engine, 'tidegate.role=spare')) === spares, {
    ...{ what: `${spares} spares are kept`, timeoutMs: SETTLE_MS, everyMs: POLL_MS },
  });
  const begun = performance.now();
  const body = JSON.stringify({ replicas: BURST });
  await tidegate.adminJson('/v1/apps/burst/sets/web/scale', { method: 'PUT', body });
  await until(async () => (await setOf(tidegate, 'burst')).ready === BURST, {
    ...{ what: `${BURST} replicas are ready`, timeoutMs: BURST_TIMEOUT_MS, everyMs: POLL_MS },
  });
  return performance.now() - begun;
}

async function running({ docker }: Stage['engine'], label: string): Promise<number> {
  return (await docker.listContainers({ filters: { label: [label] } })).length;
}

function report({ wakes, bursts }: Figures, tiers: readonly Tier[]): Omit<Report, 'versions'> {
  const of = (tier: Tier): number[] => wakes[tier].map(({ ms }) => ms);
  const times = { frozen: of('frozen'), sandbox: of('sandbox'), stopped: of('stopped'), absent: of('absent') };
  const kinds = (['without', 'with'] as const).filter((kind) => bursts[kind].length > 0);
  const bars = tiers.map((tier) => ({
    ...{ label: tier, value: percentile(times[tier], 50), range: extent(times[tier]), isOurs: true, goal: null },
  }));
  return {
    name: wakeTiers.name,
    title: wakeTiers.title,
    method: [
      'Wake: one request through the gateway on a connection of its own, from the connect to the end of the answer.',
      'One tier after the other, each set put to sleep by itself after 250 ms; what wakes cost beside others: `asleep`.',
      'The app is one static program that listens within some milliseconds; its sets are deployed by the API.',
      `Burst: from the change of scale from 0 to ${BURST} of a set without replicas until all are ready.`,
      'A spare sandbox is a pause container that runs already; with them as many are kept as the burst needs.',
    ],
    tables: [
      {
        title: 'A whole request that wakes, ms',
        columns: ['from', 'runs', 'p50', 'p90', 'p99', 'min–max'],
        rows: tiers.map((tier) => timesRow(tier, times[tier], [50, 90, 99])),
      },
      {
        title: 'Where that time went, p50 of each part, ms',
        columns: ['from', ...TIMINGS.map((name) => name.slice('wake-'.length)), 'outside the gateway'],
        rows: tiers.map((tier) => partsRow(tier, wakes[tier])),
      },
      {
        title: `${BURST} cold replicas until all are ready, ms`,
        columns: ['spare sandboxes', 'runs', 'p50', 'min–max'],
        rows: kinds.map((kind) => timesRow(kind, bursts[kind], [50])),
      },
    ].filter(({ rows }) => rows.length > 0),
    goals: [
      ...tiers.flatMap((tier) => timeGoals(`a whole request from ${tier}`, GOALS_MS[tier], times[tier])),
      ...(kinds.length === 2 ? [burstGoal(bursts)] : []),
    ],
    chart: {
      title: 'A whole request that wakes, p50',
      unit: 'ms',
      groups: [{ label: 'p50 with min–max', bars }],
    },
    data: { wakes: times, bursts },
  };
}

function partsRow(tier: Tier, wakes: readonly Wake[]): string[] {
  const part = ({ timings }: Wake, name: string): number => timings.get(name) ?? 0;
  const outside = (one: Wake): number => one.ms - part(one, 'wake') - part(one, 'wake-first-byte');
  const parts = [...TIMINGS.map((name) => wakes.map((one) => part(one, name))), wakes.map(outside)];
  return [tier, ...parts.map((times) => figureText(percentile(times, 50)))];
}

function burstGoal(bursts: Figures['bursts']): Goal {
  const share = percentile(bursts.with, 50) / percentile(bursts.without, 50);
  return {
    what: `a burst of ${BURST} cold replicas with spare sandboxes`,
    goal: `≤ ${BURST_SHARE * 100} % of the time without`,
    measured: `${figureText(share * 100)} %`,
    met: share <= BURST_SHARE,
  };
}
