/**
 * What the clients of a gateway notice while the Engine of its host hangs: dockerd is stopped by a signal under load, and
 * lets go again. They should notice nothing, the admin API should stay quick, and nothing may be restarted.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { runHello } from '../../test/support/hello.ts';
import { SteadyLoad } from '../../test/support/steady-load.ts';
import { until } from '../../test/support/until.ts';
import type { Bar } from '../chart.ts';
import { firstAnswer, Sampler } from '../client.ts';
import type { Goal, Report } from '../report.ts';
import type { LoadContext, Scenario } from '../scenario.ts';
import { Stage } from '../stage.ts';
import { percentile, spread } from '../statistics.ts';
import { figureText } from '../table.ts';

const SECONDS = 60;
const PER_SECOND = 200;
const CALM_MS = 5000;
const SAMPLE_MS = 100;
const TIMEOUT_MS = 30_000;
const POLL_MS = 10;
const RECOVERY_MS = 90_000;
const ADMIN_GOAL_P99_MS = 100;
const ADMIN_PATHS = ['/v1/apps', '/v1/hosts'];
const APP = 'steady';
const REPLICAS = 2;

interface ContainerLife {
  readonly id: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly restarts: number;
}

export const hang: Scenario = {
  name: 'hang',
  title: `An Engine that hangs under ${PER_SECOND} requests a second`,
  parts: [],
  run: runHang,
};

async function runHang({ options, progress, signal }: LoadContext): Promise<Report> {
  const seconds = options.seconds ?? SECONDS;
  await using stage = await Stage.open();
  const { engine, tidegate } = stage;
  for (let i = 0; i < REPLICAS; i++) await runHello(engine, { name: `${APP}-${i}`, labels: { 'tidegate.app': APP } });
  const gatewayAddress = {
    host: '127.0.0.1',
    port: tidegate.port,
    hostname: `${APP}.localhost`,
    timeoutMs: TIMEOUT_MS,
  };
  await firstAnswer({ ...gatewayAddress, everyMs: POLL_MS }, signal);
  await until(async () => (await stage.set(APP)).ready === REPLICAS, { what: 'both replicas are ready' });
  const before = await lives(stage);

  const load = new SteadyLoad({ port: tidegate.port, hostname: gatewayAddress.hostname, perSecond: PER_SECOND });
  const gateway = new Sampler(gatewayAddress, SAMPLE_MS);
  const adminSamplers: Sampler[] = [];
  try {
    progress('calm before');
    await sleep(CALM_MS, undefined, { signal });
    engine.signal('SIGSTOP');
    const headers = { authorization: `Bearer ${stage.token}` };
    const adminAddress = {
      host: '127.0.0.1',
      port: tidegate.adminPort,
      hostname: null,
      headers,
      timeoutMs: TIMEOUT_MS,
    };
    adminSamplers.push(...ADMIN_PATHS.map((path) => new Sampler({ ...adminAddress, path }, SAMPLE_MS)));
    for (let passed = 0; passed < seconds; passed += 1) {
      progress(`the Engine hangs: ${passed} of ${seconds} s`);
      await sleep(Math.min(1, seconds - passed) * 1000, undefined, { signal });
    }
    await Promise.all(adminSamplers.map((sampler) => sampler.stop()));
    engine.signal('SIGCONT');
    progress('the Engine goes on');
    await until(async () => (await events(stage, 'host.recovered')) > 0, {
      what: 'the host has recovered',
      timeoutMs: RECOVERY_MS,
    });
    await sleep(CALM_MS, undefined, { signal });
  } finally {
    engine.signal('SIGCONT');
    await Promise.all([load.stop(), gateway.stop(), ...adminSamplers.map((sampler) => sampler.stop())]);
  }
  const requests = await load.done;
  const found: Findings = {
    seconds,
    requests: { sent: requests.sent, failed: requests.failed, outcomes: requests.outcomes },
    gateway: { times: gateway.times, failures: gateway.failures },
    admin: {
      times: adminSamplers.flatMap((sampler) => sampler.times),
      failures: adminSamplers.flatMap((sampler) => sampler.failures),
    },
    degraded: await events(stage, 'host.degraded'),
    recovered: await events(stage, 'host.recovered'),
    before,
    after: await lives(stage),
  };
  return { ...report(found), versions: await stage.versions() };
}

/** How often an event of this type is in the log. */
async function events({ tidegate }: Stage, type: string): Promise<number> {
  const { items } = await tidegate.adminJson<{ items: readonly unknown[] }>(`/v1/events?type=${type}&limit=100`);
  return items.length;
}

/** What would change of a container if it were restarted, or replaced by another. */
async function lives({ engine }: Stage): Promise<readonly ContainerLife[]> {
  const all = await engine.docker.listContainers({ all: true });
  const found = await Promise.all(all.map(({ Id }) => engine.docker.getContainer(Id).inspect()));
  return found
    .map(({ Id, State, RestartCount }) => ({
      id: Id,
      pid: State.Pid,
      startedAt: State.StartedAt,
      restarts: RestartCount,
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

interface Samples {
  readonly times: readonly number[];
  readonly failures: readonly string[];
}

interface Findings {
  readonly seconds: number;
  readonly requests: {
    readonly sent: number;
    readonly failed: number;
    readonly outcomes: Readonly<Record<string, number>>;
  };
  readonly gateway: Samples;
  readonly admin: Samples;
  readonly degraded: number;
  readonly recovered: number;
  readonly before: readonly ContainerLife[];
  readonly after: readonly ContainerLife[];
}

function report(found: Findings): Report {
  const { requests, gateway, admin, degraded, recovered } = found;
  const adminP99 = percentile(admin.times, 99);
  const untouched = JSON.stringify(found.before) === JSON.stringify(found.after);
  const outcomes = Object.entries(requests.outcomes).map(([outcome, count]) => `${count} × ${outcome}`);
  const failures = requests.failed + gateway.failures.length;
  const goals: Goal[] = [
    { what: 'errors of requests', goal: '0', measured: String(failures), met: failures === 0 },
    {
      what: 'admin API while the Engine hangs',
      goal: `p99 < ${ADMIN_GOAL_P99_MS} ms, 0 errors`,
      measured: `${figureText(adminP99)} ms, ${admin.failures.length} errors`,
      met: adminP99 < ADMIN_GOAL_P99_MS && admin.failures.length === 0,
    },
    { what: 'host.degraded', goal: 'once', measured: String(degraded), met: degraded === 1 },
    { what: 'host.recovered', goal: 'once', measured: String(recovered), met: recovered === 1 },
    { what: 'containers', goal: 'as before', measured: untouched ? 'as before' : 'changed', met: untouched },
  ];
  return {
    name: hang.name,
    title: hang.title,
    method: [
      `dockerd was stopped by SIGSTOP for ${found.seconds} s, with ${CALM_MS / 1000} s before it and as long after its recovery, under ${PER_SECOND} requests a second over kept connections: ${outcomes.join(', ')}.`,
      `Beside that a client with a new connection each asked the gateway every ${SAMPLE_MS} ms, all the time, and ${ADMIN_PATHS.join(' and ')} every ${SAMPLE_MS} ms, while the Engine hung.`,
      `Containers are compared by id, process id, start time and restarts: ${REPLICAS} replicas of one set.`,
    ],
    tables: [
      {
        title: 'Whole requests of the onlookers, ms',
        columns: ['', 'answers', 'errors', 'p50', 'p99', 'max'],
        rows: [row('gateway, all the time', gateway), row('admin API, Engine hanging', admin)],
      },
    ],
    goals,
    chart: {
      title: `Answers while the Engine hangs for ${found.seconds} s`,
      unit: 'ms',
      groups: [
        { label: 'gateway', bars: bars(gateway.times, null) },
        { label: 'admin API', bars: bars(admin.times, ADMIN_GOAL_P99_MS) },
      ],
    },
    versions: {},
    data: found,
  };
}

function row(what: string, { times, failures }: Samples): string[] {
  const [p50, p99] = [percentile(times, 50), percentile(times, 99)];
  return [what, String(times.length), String(failures.length), ...[p50, p99, spread(times).max].map(figureText)];
}

function bars(times: readonly number[], p99Goal: number | null): Bar[] {
  return [50, 99].map((percent) => {
    const value = percentile(times, percent);
    return { label: `p${percent}`, value, range: null, isOurs: true, goal: percent === 99 ? p99Goal : null };
  });
}
