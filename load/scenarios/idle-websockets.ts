/**
 * What a WebSocket costs that says nothing: resident memory of the gateway before and after thousands are open, and whether
 * every one of them still carries a message in the end. `--rounds` is their number in thousands, as far
 * as the machine lets one process open as many files.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Generators } from '../generators/generator.ts';
import { IdleClients } from '../generators/idle-clients.ts';
import { tidegate } from '../peers/tidegate.ts';
import { startEchoUpstreams } from '../peers/upstream.ts';
import { processTree, residentMb } from '../proc.ts';
import { planCores } from '../processes.ts';
import { HOSTNAME } from '../proxies/candidate.ts';
import type { Report } from '../report.ts';
import type { LoadContext, Scenario } from '../scenario.ts';
import { figureText } from '../table.ts';
import { hasSettled } from '../trend.ts';

const THOUSANDS = 10;
const GOAL_KIB = 12;
/** Of the gateway: both ends of each tunnel, and what it has open itself. */
const FILES_PER_TUNNEL = 2;
const OWN_FILES = 300;
const ROUTES = 10_000;
const SAMPLE_MS = 1000;
const SETTLED_SAMPLES = 5;
const SETTLED_MIB = 0.5;
const SETTLES_WITHIN_S = 60;
const KIB_PER_MIB = 1024;

export const idleWebSockets: Scenario = {
  name: 'idle-websockets',
  title: 'Memory of an idle WebSocket',
  parts: [],
  run: runIdle,
};

interface Findings {
  readonly connections: number;
  readonly open: number;
  readonly echoed: number;
  readonly errors: number;
  readonly slowestMs: number;
  readonly beforeMib: number;
  readonly afterMib: number;
  /** After all have carried a message. */
  readonly endMib: number;
}

async function runIdle({ options, progress, signal }: LoadContext): Promise<Report> {
  const wanted = (options.rounds ?? THOUSANDS) * 1000;
  const connections = Math.min(wanted, Math.floor((openFilesMax() - OWN_FILES) / FILES_PER_TUNNEL));
  const openFiles = connections * FILES_PER_TUNNEL + OWN_FILES;
  const cores = planCores();
  const folder = mkdtempSync(path.join(tmpdir(), 'tidegate-load-'));
  try {
    await using stack = new AsyncDisposableStack();
    const generators = new Generators(folder);
    const upstreams = await startEchoUpstreams(generators, cores.load);
    stack.use(upstreams.program);
    const gateway = await tidegate({ name: 'tidegate', routes: ROUTES, openFiles }).start({
      folder,
      cores: cores.proxy,
      upstreamPorts: upstreams.ports,
      certificate: null,
      tunnels: true,
      workers: 1,
    });
    stack.use(gateway.program);
    const settle = (what: string): Promise<number> => {
      progress(`${what}: waiting for its memory to settle`);
      return settledMib(gateway.program.pid, signal);
    };
    const beforeMib = await settle('no connection');
    progress(`opening ${connections}`);
    const clients = new IdleClients(await generators.file('websockets'), {
      port: gateway.port,
      hostname: HOSTNAME,
      connections,
    });
    stack.use(clients);
    const opened = await clients.next(signal);
    const afterMib = await settle(`${opened.open} connections`);
    clients.ask();
    const checked = await clients.next(signal);
    const endMib = await settle('all have carried a message');
    return report({
      connections,
      open: opened.open,
      echoed: checked.echoed,
      errors: checked.errors,
      slowestMs: checked.maxUs / 1000,
      beforeMib,
      afterMib,
      endMib,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What this machine lets one process open; raising it is not the business of a benchmark. */
function openFilesMax(): number {
  const limit = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return limit === undefined ? Number.MAX_SAFE_INTEGER : Number(limit);
}

/** Resident memory once it changes no more, or after a minute. */
async function settledMib(pid: number, signal: AbortSignal): Promise<number> {
  const values: number[] = [];
  while (values.length < SETTLES_WITHIN_S && !hasSettled(values, SETTLED_SAMPLES, SETTLED_MIB)) {
    await sleep(SAMPLE_MS, undefined, { signal });
    values.push(residentMb(processTree(pid)));
  }
  return values.at(-1) ?? 0;
}

function report(found: Findings): Report {
  const { connections, open, echoed, errors, beforeMib, afterMib, endMib } = found;
  const each = (mib: number): number => ((mib - beforeMib) * KIB_PER_MIB) / Math.max(1, open);
  const perConnection = each(afterMib);
  const isWhole = open === connections && echoed === connections && errors === 0;
  const row = (what: string, mib: number): string[] => [what, figureText(mib), figureText(each(mib))];
  return {
    name: idleWebSockets.name,
    title: idleWebSockets.title,
    method: [
      `${connections} WebSockets through the gateway (${ROUTES} routes) to an echo upstream, clients and upstream in processes of their own.`,
      `Memory is what is resident (VmRSS), read once it stayed within ${SETTLED_MIB} MiB for ${SETTLED_SAMPLES} s, or after ${SETTLES_WITHIN_S} s; that the gateway grows as it serves for the first time counts as theirs.`,
      `In the end each carried a message of 64 octets there and back; the slowest took ${figureText(found.slowestMs)} ms.`,
    ],
    tables: [
      {
        title: 'Resident memory of the gateway',
        columns: ['', 'MiB', 'KiB a connection'],
        rows: [
          ['no connection', figureText(beforeMib), ''],
          row(`${open} open, idle`, afterMib),
          row('after a message on each', endMib),
        ],
      },
    ],
    goals: [
      {
        what: 'an idle WebSocket',
        goal: `≤ ${GOAL_KIB} KiB`,
        measured: `${figureText(perConnection)} KiB`,
        met: perConnection <= GOAL_KIB,
      },
      {
        what: 'open and echoing in the end',
        goal: String(connections),
        measured: `${echoed}, ${errors} errors`,
        met: isWhole,
      },
    ],
    chart: {
      title: `Memory of a WebSocket, ${connections} of them`,
      unit: 'KiB',
      groups: [
        {
          label: 'resident memory of the gateway',
          bars: [
            { label: 'idle', value: perConnection, range: null, isOurs: true, goal: GOAL_KIB },
            { label: 'after a message', value: each(endMib), range: null, isOurs: true, goal: null },
          ],
        },
      ],
    },
    versions: {},
    data: found,
  };
}
