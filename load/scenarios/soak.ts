/**
 * Whether memory stays where it is under mixed load: kept and single connections, small and large bodies, full and resumed
 * handshakes, HTTP/2, WebSockets, and clients that hang up in the middle, in turns of a few seconds for ten minutes.
 * `--seconds` is the whole length.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeCertificate } from '../certificate.ts';
import { Generators } from '../generators/generator.ts';
import { tidegate } from '../peers/tidegate.ts';
import { BIG_PATH, startEchoUpstreams, startUpstreams } from '../peers/upstream.ts';
import { processTree, residentMb } from '../proc.ts';
import { planCores } from '../processes.ts';
import { type Candidate, DOMAIN, HOSTNAME } from '../proxies/candidate.ts';
import type { Drive } from '../proxies/case.ts';
import { runDrive } from '../proxies/drive.ts';
import type { Goal, Report } from '../report.ts';
import type { LoadContext, Scenario } from '../scenario.ts';
import { median } from '../statistics.ts';
import { figureText } from '../table.ts';

const SECONDS = 600;
const TURN_S = 5;
const ROUTES = 10_000;
const SAMPLE_MS = 1000;
/** Early enough to be seen growing, late enough to have grown to its size: second and last fifth. */
const FIFTHS = 5;
const GROWTH_MAX = 0.1;
const HANGUPS_AT_A_TIME = 16;

export const soak: Scenario = {
  name: 'soak',
  title: 'Memory under mixed load over ten minutes',
  parts: [],
  run: runSoak,
};

interface Mix {
  readonly name: string;
  readonly gateway: Candidate;
  /** `hang-up`: clients that go away in the middle of their answers. */
  readonly drives: readonly (Drive | 'hang-up')[];
  readonly memoryMib: number[];
  requests: number;
  errors: number;
}

const PLAIN = { kind: 'plain', path: '/', goesRound: false, headers: { Host: HOSTNAME } } as const;

async function runSoak({ options, progress, signal }: LoadContext): Promise<Report> {
  const seconds = options.seconds ?? SECONDS;
  const cores = planCores();
  const folder = mkdtempSync(path.join(tmpdir(), 'tidegate-load-'));
  try {
    await using stack = new AsyncDisposableStack();
    const generators = new Generators(folder);
    const upstreams = await startUpstreams(folder, cores.load);
    stack.use(upstreams.program);
    const echo = await startEchoUpstreams(generators, cores.load);
    stack.use(echo.program);
    const certificate = await makeCertificate(folder, [`*${DOMAIN}`]);
    const start = async (ports: readonly number[], encrypted: boolean): Promise<Candidate> => {
      const site = { folder, cores: cores.proxy, upstreamPorts: ports, tunnels: ports === echo.ports, workers: 1 };
      const gateway = await tidegate({ name: 'tidegate', routes: ROUTES }).start({
        ...site,
        certificate: encrypted ? certificate : null,
      });
      stack.use(gateway.program);
      return gateway;
    };
    const mix = (name: string, gateway: Candidate, drives: Mix['drives']): Mix => ({
      ...{ name, gateway, drives },
      memoryMib: [],
      requests: 0,
      errors: 0,
    });
    const mixes: readonly Mix[] = [
      mix('plain HTTP/1.1', await start(upstreams.ports, false), [
        { ...PLAIN, connections: 64 },
        { ...PLAIN, connections: 32, path: BIG_PATH },
        { ...PLAIN, connections: 32, headers: { Host: HOSTNAME, Connection: 'close' } },
        'hang-up',
      ]),
      mix('TLS and HTTP/2', await start(upstreams.ports, true), [
        { kind: 'tls', connections: 32, mode: 'kept' },
        { kind: 'tls', connections: 16, mode: 'full' },
        { kind: 'h2', connections: 8, streams: 16 },
        'hang-up',
      ]),
      mix('WebSockets', await start(echo.ports, false), [{ kind: 'messages', connections: 64 }, 'hang-up']),
    ];
    const until = performance.now() + seconds * 1000;
    const over = new AbortController();
    const sampling = sample(mixes, over.signal);
    for (let turn = 0; performance.now() < until; turn++) {
      progress(`turn ${turn + 1}, ${Math.max(0, Math.round((until - performance.now()) / 1000))} s to go`);
      await Promise.all(
        mixes.map(async (one) => {
          const drive = one.drives[turn % one.drives.length];
          if (drive === undefined) return;
          if (drive === 'hang-up') one.requests += await hangUp(one.gateway.port, TURN_S, signal);
          else {
            const options = { ...one.gateway, hostnames: ROUTES, seconds: TURN_S, cores: cores.load, threads: 1 };
            const driven = await runDrive(drive, { ...options, folder, generators }, signal);
            one.requests += driven.requests;
            one.errors += driven.errors;
          }
        }),
      );
    }
    over.abort();
    await sampling;
    return report(mixes, seconds);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function sample(mixes: readonly Mix[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const { gateway, memoryMib } of mixes) memoryMib.push(residentMb(processTree(gateway.program.pid)));
    await sleep(SAMPLE_MS, undefined, { signal }).catch(() => {});
  }
}

/** Opens connections, asks for a large body and goes away as its first octets arrive. Returns how many did. */
async function hangUp(port: number, seconds: number, signal: AbortSignal): Promise<number> {
  const until = performance.now() + seconds * 1000;
  let count = 0;
  const client = async (): Promise<void> => {
    while (performance.now() < until && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const socket = connect(port, '127.0.0.1');
        const leave = (): void => void socket.destroy();
        socket.on('connect', () => socket.write(`GET ${BIG_PATH} HTTP/1.1\r\nHost: ${HOSTNAME}\r\n\r\n`));
        socket.on('data', leave).on('error', leave).on('close', resolve);
      });
      count++;
    }
  };
  await Promise.all(Array.from({ length: HANGUPS_AT_A_TIME }, client));
  return count;
}

function report(mixes: readonly Mix[], seconds: number): Report {
  const rows = mixes.map(({ name, memoryMib, requests, errors }) => {
    const fifth = Math.floor(memoryMib.length / FIFTHS);
    const early = median(memoryMib.slice(fifth, 2 * fifth));
    const late = median(memoryMib.slice(-fifth));
    const floorEarly = Math.min(...memoryMib.slice(fifth, 3 * fifth));
    const floorLate = Math.min(...memoryMib.slice(-2 * fifth));
    const growth = { median: late / early - 1, floor: floorLate / floorEarly - 1 };
    const maxMib = Math.max(...memoryMib);
    return { name, requests, errors, early, late, floorEarly, floorLate, growth, maxMib, memoryMib };
  });
  const goals = rows.flatMap(({ name, growth, errors }): Goal[] => [
    {
      what: `${name}: growth from the second to the last fifth`,
      goal: `≤ ${GROWTH_MAX * 100} %`,
      measured: `${figureText(growth.median * 100)} %`,
      met: growth.median <= GROWTH_MAX,
    },
    {
      what: `${name}: growth of the least, from the second and third to the last two fifths`,
      goal: `≤ ${GROWTH_MAX * 100} %`,
      measured: `${figureText(growth.floor * 100)} %`,
      met: growth.floor <= GROWTH_MAX,
    },
    { what: `${name}: errors`, goal: '0', measured: String(errors), met: errors === 0 },
  ]);
  return {
    name: soak.name,
    title: soak.title,
    method: [
      `${seconds} s of load in turns of ${TURN_S} s, on three gateways at once (${ROUTES} routes each): plain HTTP/1.1 (1 KiB, 64 KiB, a connection for each request), TLS (kept connections, full handshakes, HTTP/2) and WebSockets; each also with ${HANGUPS_AT_A_TIME} clients that hang up when their answer begins.`,
      'Memory is what is resident (VmRSS), read every second; compared are the medians of the second and of the last fifth.',
      'Memory goes up and down like a saw, by the collections of the old generation, minutes apart: a median tells where in a tooth a fifth happened to lie. What is never given back shows in the least of several minutes.',
    ],
    tables: [
      {
        title: 'Resident memory',
        columns: [
          'load',
          'requests',
          'errors',
          'second fifth MiB',
          'last fifth MiB',
          'growth %',
          'least early MiB',
          'least late MiB',
          'growth of it %',
          'most MiB',
        ],
        rows: rows.map(({ name, requests, errors, early, late, floorEarly, floorLate, growth, maxMib }) => [
          name,
          String(requests),
          String(errors),
          ...[early, late, growth.median * 100, floorEarly, floorLate, growth.floor * 100, maxMib].map(figureText),
        ]),
      },
    ],
    goals,
    chart: {
      title: 'Resident memory of a gateway under mixed load',
      unit: 'MiB',
      groups: rows.map(({ name, early, late }) => ({
        label: name,
        bars: [
          { label: 'second fifth', value: early, range: null, isOurs: true, goal: null },
          { label: 'last fifth', value: late, range: null, isOurs: true, goal: early * (1 + GROWTH_MAX) },
        ],
      })),
    },
    versions: {},
    data: rows,
  };
}
