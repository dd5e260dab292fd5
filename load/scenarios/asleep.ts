/**
 * What apps cost that sleep: memory and processor time of Tidegate with 200 of them in three tiers on one machine while
 * nobody asks, and how long each waits who wakes one while 20 others are woken in the same moment.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { processorMs, processTree, residentMb } from '../proc.ts';
import type { Goal, Report } from '../report.ts';
import { isChosen, type LoadContext, type Scenario } from '../scenario.ts';
import {
  ASLEEP_TIERS,
  type AsleepTier,
  deployAll,
  type SleepingApp,
  sleepingApps,
  untilAsleep,
  wakeAtOnce,
} from '../sleeping-apps.ts';
import { Stage } from '../stage.ts';
import { extent, percentile } from '../statistics.ts';
import { figureText, timesRow } from '../table.ts';
import { ensureTinyApp } from '../tiny-app.ts';

const APPS = 200;
const IDLE = '5s';
const IDLE_SECONDS = 30;
/** What was begun before the last app slept (events saved, connections closed) is over by then. */
const SETTLE_MS = 10_000;
/** One and 20 others. */
const AT_ONCE = 21;
const WAVES = 3;
const IDLE_SHARE_MAX = 0.01;

interface Cost {
  /** Of Tidegate's processes, MB. */
  readonly residentMb: number;
  readonly processes: number;
  /** What the machine says is to be had, MB. */
  readonly availableMb: number;
}

interface Found {
  readonly apps: readonly SleepingApp[];
  readonly before: Cost;
  readonly after: Cost;
  readonly deployMs: number;
  readonly idle: { readonly seconds: number; readonly tidegateMs: number; readonly dockerdMs: number };
  readonly wakes: Readonly<Record<AsleepTier, readonly number[]>>;
}

export const asleep: Scenario = {
  name: 'asleep',
  title: 'Many apps asleep on one machine',
  parts: ASLEEP_TIERS,
  run: runAsleep,
};

async function runAsleep({ options, progress, signal }: LoadContext): Promise<Report> {
  const tiers = ASLEEP_TIERS.filter((tier) => isChosen(tier, ASLEEP_TIERS, options));
  const apps = sleepingApps(options.rounds ?? APPS, tiers);
  const seconds = options.seconds ?? IDLE_SECONDS;
  progress('starting');
  await using stage = await Stage.open({ settings: { TIDEGATE_SANDBOXES: String(apps.length) } });
  const { engine, tidegate } = stage;
  const image = await ensureTinyApp(engine);
  const before = costOf(tidegate.pid);
  const begun = performance.now();
  await deployAll(tidegate, apps, {
    ...{ image, idle: IDLE, signal },
    onDeployed: (count) => progress(`${count} of ${apps.length} are deployed`),
  });
  const deployMs = performance.now() - begun;
  progress('waiting until all sleep');
  await untilAsleep(tidegate, apps, signal);
  await sleep(SETTLE_MS, undefined, { signal });
  const after = costOf(tidegate.pid);
  progress(`idle for ${seconds} s`);
  const idle = await idleFor(seconds, { tidegate: tidegate.pid, dockerd: engine.pid }, signal);
  const wakes: Record<AsleepTier, number[]> = { frozen: [], sandbox: [], stopped: [] };
  for (const tier of tiers) {
    const own = apps.filter((app) => app.tier === tier);
    for (let wave = 0; wave < WAVES; wave++) {
      const chosen = own.slice(wave * AT_ONCE, (wave + 1) * AT_ONCE);
      if (chosen.length === 0) break;
      progress(`wave ${wave + 1} of ${tier}`);
      await untilAsleep(tidegate, apps, signal);
      wakes[tier].push(...(await wakeAtOnce(tidegate, chosen)));
    }
  }
  const versions = await stage.versions();
  progress('removing them');
  // An Engine whose data root is kept would begin with all of them.
  await tidegate.close();
  await engine.reset();
  const found = { apps, before, after, deployMs, idle, wakes };
  return { ...report(found, tiers), versions };
}

function costOf(pid: number): Cost {
  const pids = processTree(pid);
  const meminfo = readFileSync('/proc/meminfo', 'utf8');
  const availableMb = Number(/^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? Number.NaN) / 1024;
  return { residentMb: residentMb(pids), processes: pids.length, availableMb };
}

async function idleFor(
  seconds: number,
  pids: { readonly tidegate: number; readonly dockerd: number },
  signal: AbortSignal,
): Promise<Found['idle']> {
  const tree = processTree(pids.tidegate);
  const [own, engine] = [processorMs(tree), processorMs([pids.dockerd])];
  const begun = performance.now();
  await sleep(seconds * 1000, undefined, { signal });
  const tookS = (performance.now() - begun) / 1000;
  return { seconds: tookS, tidegateMs: processorMs(tree) - own, dockerdMs: processorMs([pids.dockerd]) - engine };
}

function report(found: Found, tiers: readonly AsleepTier[]): Omit<Report, 'versions'> {
  const { apps, before, after, deployMs, idle, wakes } = found;
  const share = idle.tidegateMs / (idle.seconds * 1000);
  const counts = tiers.map((tier) => `${apps.filter((app) => app.tier === tier).length} ${tier}`).join(', ');
  const goals: readonly Goal[] = [
    {
      what: `processor time of Tidegate with ${apps.length} apps asleep`,
      goal: `≤ ${IDLE_SHARE_MAX * 100} % of a core`,
      measured: `${figureText(share * 100)} %`,
      met: share <= IDLE_SHARE_MAX,
    },
  ];
  const woken = tiers.filter((tier) => wakes[tier].length > 0);
  return {
    name: asleep.name,
    title: asleep.title,
    method: [
      `${apps.length} apps of the API (${counts}), each one container beside its pause container: one static program that listens within some milliseconds.`,
      `All were deployed, so woken once, and sleep after ${IDLE} without requests; ${SETTLE_MS / 1000} s after the last one slept nobody asked anything for ${figureText(idle.seconds)} s.`,
      `Memory is what is resident (VmRSS) of the ${after.processes} processes of Tidegate together; the machine's is what /proc/meminfo no longer says is available.`,
      `A wave wakes ${AT_ONCE} apps of one tier in the same moment, up to ${WAVES} waves a tier, others each time; what is timed is each whole request, on a connection of its own.`,
    ],
    tables: [
      {
        title: `${apps.length} apps asleep`,
        columns: ['', 'measured'],
        rows: [
          ['memory of Tidegate before the first app, MB', figureText(before.residentMb)],
          ['memory of Tidegate with all asleep, MB', figureText(after.residentMb)],
          [
            'memory of the machine for an app asleep, MB',
            figureText((before.availableMb - after.availableMb) / apps.length),
          ],
          ['processor time of Tidegate, % of a core', figureText(share * 100)],
          ['processor time of dockerd, % of a core', figureText((idle.dockerdMs / (idle.seconds * 1000)) * 100)],
          ['all deployed in, s', figureText(deployMs / 1000)],
        ],
      },
      {
        title: 'A whole request that wakes while 20 others wake, ms',
        columns: ['from', 'wakes', 'p50', 'p90', 'p99', 'min–max'],
        rows: woken.map((tier) => timesRow(tier, wakes[tier], [50, 90, 99])),
      },
    ],
    goals,
    chart: {
      title: `A whole request that wakes one of ${apps.length} apps while 20 others wake, p50`,
      unit: 'ms',
      groups: [
        {
          label: 'p50 with min–max',
          bars: woken.map((tier) => ({
            ...{
              label: tier,
              value: percentile(wakes[tier], 50),
              range: extent(wakes[tier]),
              isOurs: true,
              goal: null,
            },
          })),
        },
      ],
    },
    data: { ...found, apps: apps.length },
  };
}
