/**
 * What it costs to know what replicas use: the reader that the control process runs, over real containers, while they do
 * nothing and while each does a little all the time, with files kept open and opened for each reading.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { systemClock } from '#core/clock';
import type { SetSnapshot } from '#core/set';
import { Usages } from '#docker/cgroup-stats';
import { KernelFiles } from '#docker/kernel-file';
import { pauseImage } from '#docker/pause-image';
import { UsageSampler } from '#docker/usage-sampler';
import { replica, snapshot } from '../../test/router/sample.ts';
import { startTestEngine, type TestEngine } from '../../test/support/engine.ts';
import type { Report } from '../report.ts';
import type { LoadContext, Scenario } from '../scenario.ts';
import { figureText } from '../table.ts';

const CONTAINERS = 200;
const EVERY_MS = 2000;
const SECONDS = 20;
const STARTED_AT_A_TIME = 4;
const GOAL_PERCENT = 1;
const MEMORY_BYTES = 64 * 1024 * 1024;
/** Stopping and going on costs a process some microseconds of its own, twice a second. */
const NUDGE =
  'setInterval(() => { for (const pid of process.argv.slice(1)) { process.kill(pid, "SIGSTOP"); process.kill(pid, "SIGCONT"); } }, 500)';

interface Way {
  readonly name: string;
  readonly isWorking: boolean;
  /** Files kept open at most. */
  readonly files: number | undefined;
}

const WAYS: readonly Way[] = [
  { name: 'idle', isWorking: false, files: undefined },
  { name: 'working', isWorking: true, files: undefined },
  { name: 'working, files opened each time', isWorking: true, files: 0 },
];

interface Figure {
  readonly way: Way;
  /** Of one core. */
  readonly percent: number;
  readonly readings: number;
  readonly microseconds: number;
  readonly roundsCut: number;
}

export const usage: Scenario = {
  name: 'usage',
  title: `What ${CONTAINERS} containers use, read every ${EVERY_MS / 1000} s`,
  parts: [],
  run: measure,
};

async function measure({ options, progress, signal }: LoadContext): Promise<Report> {
  await using engine = await startTestEngine();
  const pids = await start(engine, progress, signal);
  const set = snapshot('default/load/web', [], {
    replicas: Array.from(pids, ([id, pid]) => replica(id, { pid, host: 'local' })),
  });
  const figures: Figure[] = [];
  for (const way of WAYS) {
    progress(`${way.name}`);
    const nudge = way.isWorking ? spawn(process.execPath, ['-e', NUDGE, ...[...pids.values()].map(String)]) : null;
    try {
      if (nudge !== null) await once(nudge, 'spawn');
      figures.push(await read(way, set, options.seconds ?? SECONDS, signal));
    } finally {
      nudge?.kill();
    }
  }
  return report(figures);
}

/** @returns process ids by container */
async function start(
  engine: TestEngine,
  progress: (text: string) => void,
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const { name: Image, archive } = pauseImage(process.arch === 'arm64' ? 'arm64' : 'amd64');
  const loading = await engine.docker.loadImage(Readable.from([archive]));
  await text(Readable.from(loading));
  const pids = new Map<string, number>();
  let left = CONTAINERS;
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      signal.throwIfAborted();
      const HostConfig = { Memory: MEMORY_BYTES, NanoCpus: 500_000_000 };
      const container = await engine.docker.createContainer({ Image, HostConfig });
      await container.start();
      const { State } = await container.inspect();
      pids.set(container.id, State.Pid);
      progress(`${pids.size} of ${CONTAINERS} containers run`);
    }
  };
  await Promise.all(Array.from({ length: STARTED_AT_A_TIME }, lane));
  return pids;
}

async function read(way: Way, set: SetSnapshot, seconds: number, signal: AbortSignal): Promise<Figure> {
  const usages = new Usages({ procRoot: '/proc', cgroupRoot: '/sys/fs/cgroup', files: new KernelFiles(way.files) });
  let readings = 0;
  const engine = {
    usage: (target: Parameters<Usages['usage']>[0]) => {
      readings++;
      const seen = usages.usage(target);
      if ('unreadable' in seen) throw new Error(`a container cannot be read: ${seen.unreadable}`);
      return seen;
    },
    forgetUsage: (id: string) => usages.forgetUsage(id),
  };
  const sampler = new UsageSampler({
    ...{ engine: () => engine, sets: () => [set], clock: systemClock, everyMs: EVERY_MS },
  });
  const { promise: warm, resolve: isWarm } = Promise.withResolvers<void>();
  sampler.onRound(isWarm);
  sampler.begin();
  // A timer of the clock keeps no process alive.
  const alive = setInterval(() => signal.aborted && isWarm(), 1000);
  try {
    await warm;
    readings = 0;
    const cutBefore = sampler.cut;
    const begun = performance.now();
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    const { user, system } = process.cpuUsage(before);
    const elapsedMs = performance.now() - begun;
    return {
      way,
      percent: ((user + system) / 1000 / elapsedMs) * 100,
      readings,
      microseconds: (user + system) / Math.max(1, readings),
      roundsCut: sampler.cut - cutBefore,
    };
  } finally {
    clearInterval(alive);
    sampler.close();
    usages.close();
  }
}

function report(figures: readonly Figure[]): Report {
  return {
    name: usage.name,
    title: usage.title,
    method: [
      `${CONTAINERS} containers of the pause image on an Engine of their own, each with a limit of memory and of processor time, read every ${EVERY_MS / 1000} s as the control process does.`,
      'Processor time (user and system) of the whole reading process, which does nothing else; its timers and the measuring itself are in it.',
      '"idle": they do nothing. "working": each is stopped and goes on twice a second, so that its processor time moves and everything is read each time; a process of its own sees to that. "files opened each time": none is kept open.',
    ],
    tables: [
      {
        title: 'Processor time',
        columns: ['containers', '% of a core', 'µs a reading', 'readings', 'rounds cut short'],
        rows: figures.map(({ way, percent, microseconds, readings, roundsCut }) => [
          ...[way.name, figureText(percent), figureText(microseconds), String(readings), String(roundsCut)],
        ]),
      },
    ],
    goals: figures
      .filter(({ way }) => way.files === undefined)
      .map(({ way, percent }) => ({
        what: `reading ${CONTAINERS} containers, ${way.name}`,
        goal: `< ${GOAL_PERCENT} % of a core`,
        measured: `${figureText(percent)} %`,
        met: percent < GOAL_PERCENT,
      })),
    chart: {
      title: `Reading what ${CONTAINERS} containers use, every ${EVERY_MS / 1000} s`,
      unit: '% of a core',
      groups: figures.map(({ way, percent }) => ({
        label: way.name,
        bars: [
          {
            ...{ label: '%', value: percent, range: [percent, percent], isOurs: way.files === undefined },
            goal: way.files === undefined ? GOAL_PERCENT : null,
          },
        ],
      })),
    },
    versions: {},
    data: figures.map(({ way, ...figure }) => ({ name: way.name, ...figure })),
  };
}
