/**
 * Whether memory stays where it is under mixed load: kept and single connections, small and large bodies, full and resumed
 * handshakes, HTTP/2, WebSockets, and clients that hang up in the middle, in turns of a few seconds for ten minutes.
 * `--seconds` is the whole length. Resident memory goes up and down like a saw, by the collections of the old generation,
 * minutes apart: so every fifth begins with a collection, and what is still alive then is told as well.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
const COLLECT_MS = 30_000;
const MIB_BYTES = 2 ** 20;
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
  /** Where the gateway says what is alive, and what it said at the end of each fifth. */
  readonly liveHeapFile: string;
  liveMib: readonly number[];
  requests: number;
  errors: number;
}

interface MixOptions {
  readonly ports: readonly number[];
  readonly encrypted: boolean;
  readonly drives: Mix['drives'];
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
    const start = async (ports: readonly number[], encrypted: boolean, liveHeapFile: string): Promise<Candidate> => {
      const site = { folder, cores: cores.proxy, upstreamPorts: ports, tunnels: ports === echo.ports, workers: 1 };
      const gateway = await tidegate({ name: 'tidegate', routes: ROUTES, liveHeapFile }).start({
        ...site,
        certificate: encrypted ? certificate : null,
      });
      stack.use(gateway.program);
      return gateway;
    };
    const mix = async (name: string, of: MixOptions): Promise<Mix> => {
      const liveHeapFile = path.join(folder, `${name.replaceAll(/\W/g, '-')}.live`);
      writeFileSync(liveHeapFile, '');
      const gateway = await start(of.ports, of.encrypted, liveHeapFile);
      return { name, gateway, drives: of.drives, memoryMib: [], liveHeapFile, liveMib: [], requests: 0, errors: 0 };
    };
    const mixes: readonly Mix[] = [
      await mix('plain HTTP/1.1', {
        ports: upstreams.ports,
        encrypted: false,
        drives: [
          { ...PLAIN, connections: 64 },
          { ...PLAIN, connections: 32, path: BIG_PATH },
          { ...PLAIN, connections: 32, headers: { Host: HOSTNAME, Connection: 'close' } },
          'hang-up',
        ],
      }),
      await mix('TLS and HTTP/2', {
        ports: upstreams.ports,
        encrypted: true,
        drives: [
          { kind: 'tls', connections: 32, mode: 'kept' },
          { kind: 'tls', connections: 16, mode: 'full' },
          { kind: 'h2', connections: 8, streams: 16 },
          'hang-up',
        ],
      }),
      await mix('WebSockets', {
        ports: echo.ports,
        encrypted: false,
        drives: [{ kind: 'messages', connections: 64 }, 'hang-up'],
      }),
    ];
    const startedAt = performance.now();
    const until = startedAt + seconds * 1000;
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
      const fifths = Math.floor(((performance.now() - startedAt) / (seconds * 1000)) * FIFTHS);
      if (fifths > (mixes[0]?.liveMib.length ?? 0)) await Promise.all(mixes.map((one) => collect(one, signal)));
    }
    over.abort();
    await sampling;
    return report(mixes, seconds);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Has a gateway collect its garbage, and notes what is left. */
async function collect(one: Mix, signal: AbortSignal): Promise<void> {
  const told = one.liveMib.length;
  process.kill(one.gateway.program.pid, 'SIGUSR2');
  const giveUpAt = performance.now() + COLLECT_MS;
  while (one.liveMib.length === told) {
    if (performance.now() > giveUpAt) throw new Error(`${one.name}: the gateway does not say what is alive`);
    await sleep(SAMPLE_MS / 10, undefined, { signal });
    const lines = readFileSync(one.liveHeapFile, 'utf8').split('\n').slice(0, -1);
    one.liveMib = lines.map((line) => Number(line) / MIB_BYTES);
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
  const rows = mixes.map(({ name, memoryMib, liveMib, requests, errors }) => {
    const fifth = Math.floor(memoryMib.length / FIFTHS);
    const early = median(memoryMib.slice(fifth, 2 * fifth));
    const late = median(memoryMib.slice(-fifth));
    const live = { early: liveMib[0] ?? 0, late: liveMib.at(-1) ?? 0 };
    const growth = { median: late / early - 1, live: live.late / live.early - 1 };
    const maxMib = Math.max(...memoryMib);
    return { name, requests, errors, early, late, live, growth, maxMib, memoryMib, liveMib };
  });
  const goals = rows.flatMap(({ name, growth, errors }): Goal[] => [
    {
      what: `${name}: growth from the second to the last fifth`,
      goal: `≤ ${GROWTH_MAX * 100} %`,
      measured: `${figureText(growth.median * 100)} %`,
      met: growth.median <= GROWTH_MAX,
    },
    {
      what: `${name}: growth of what is alive, from the end of the first to that of the last fifth`,
      goal: `≤ ${GROWTH_MAX * 100} %`,
      measured: `${figureText(growth.live * 100)} %`,
      met: growth.live <= GROWTH_MAX,
    },
    { what: `${name}: errors`, goal: '0', measured: String(errors), met: errors === 0 },
  ]);
  return {
    name: soak.name,
    title: soak.title,
    method: [
      `${seconds} s of load in turns of ${TURN_S} s, on three gateways at once (${ROUTES} routes each): plain HTTP/1.1 (1 KiB, 64 KiB, a connection for each request), TLS (kept connections, full handshakes, HTTP/2) and WebSockets; each also with ${HANGUPS_AT_A_TIME} clients that hang up when their answer begins.`,
      'Memory is what is resident (VmRSS), read every second; compared are the medians of the second and of the last fifth.',
      'It goes up and down like a saw, by the collections of the old generation, minutes apart; so that fifths can be compared, each begins with a collection. What is alive is the heap and what it holds outside (buffers) after that one.',
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
          'alive early MiB',
          'alive late MiB',
          'growth of it %',
          'most MiB',
        ],
        rows: rows.map(({ name, requests, errors, early, late, live, growth, maxMib }) => [
          name,
          String(requests),
          String(errors),
          ...[early, late, growth.median * 100, live.early, live.late, growth.live * 100, maxMib].map(figureText),
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
