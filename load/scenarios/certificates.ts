/**
 * What certificates in the store cost, however many there are: the start, memory, and processor time per full handshake
 * beside a gateway that has a single certificate, in turns. Clients ask for names that are at hand, for all names by Zipf's
 * law, and for all alike.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openSqliteStore } from '#store/sqlite-store';
import { fillVault } from '../certificates-at-rest.ts';
import { answers } from '../client.ts';
import { Generators, runGenerator } from '../generators/generator.ts';
import { startUpstreams } from '../peers/upstream.ts';
import { processorMs, processTree, residentMb } from '../proc.ts';
import { freePort, type Program, pin, planCores, startProgram } from '../processes.ts';
import { DOMAIN, HOSTNAME } from '../proxies/candidate.ts';
import type { Goal, Report } from '../report.ts';
import { isChosen, type LoadContext, type Scenario } from '../scenario.ts';
import { median, type Spread, spread } from '../statistics.ts';
import { figureText, spreadText } from '../table.ts';

const PROGRAM = path.join(import.meta.dirname, '../gateway-process.ts');
const COUNT = 100_000;
/** For a quick look. */
const SMALL_COUNT = 1000;
const COUNT_NAMES = [String(COUNT), String(SMALL_COUNT)];
/** Fewer than contexts are kept. */
const AT_HAND = 1000;
const ROUNDS = 3;
const SECONDS = 5;
/** Long enough for contexts to be at hand that are asked for often. */
const FIRST_WARM_UP_S = 20;
const WARM_UP_S = 1;
const CONNECTIONS = 16;
const GOAL_RATIO = 1.1;
const STARTS = 3;

interface Way {
  readonly name: string;
  /** Drawn from the first so many; null: there is one name, and one certificate. */
  readonly names: (count: number) => number | null;
  readonly exponent: number;
}

const SINGLE: Way = { name: 'single', names: () => null, exponent: 0 };
const WAYS: readonly Way[] = [
  SINGLE,
  { name: 'at hand', names: (count) => Math.min(count, AT_HAND), exponent: 0 },
  { name: 'zipf', names: (count) => count, exponent: 1 },
  { name: 'uniform', names: (count) => count, exponent: 0 },
];

interface Round {
  readonly cpuUs: number;
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly errors: number;
}

interface Candidate {
  readonly way: Way;
  readonly program: Program;
  readonly port: number;
  /** From its start to its first answer over TLS. */
  readonly startMs: number;
  readonly rounds: Round[];
  residentMib: number;
}

interface Findings {
  readonly count: number;
  readonly storeStartMs: readonly number[];
  readonly fileMib: number;
  readonly candidates: readonly Candidate[];
}

export const certificates: Scenario = {
  name: 'certificates',
  title: 'Handshakes with stored certificates',
  parts: COUNT_NAMES,
  run: runCertificates,
};

async function runCertificates({ options, progress, signal }: LoadContext): Promise<Report> {
  const count = isChosen(String(COUNT), COUNT_NAMES, options) ? COUNT : SMALL_COUNT;
  const [rounds, seconds] = [options.rounds ?? ROUNDS, options.seconds ?? SECONDS];
  const cores = planCores();
  const folder = mkdtempSync(path.join(tmpdir(), 'tidegate-load-'));
  try {
    await pin(process.pid, cores.load);
    await using stack = new AsyncDisposableStack();
    const state = path.join(folder, 'state');
    const { fileMib } = await fillVault({ directory: state, count, domain: DOMAIN, progress, signal });
    const storeStartMs = await timeStarts(state);
    const generators = new Generators(folder);
    const file = await generators.file('tls-requests');
    const upstreamFolder = path.join(folder, 'upstreams');
    mkdirSync(upstreamFolder);
    const upstreams = await startUpstreams(upstreamFolder, cores.load);
    stack.use(upstreams.program);
    const single = path.join(folder, 'single');
    await fillVault({ directory: single, count: 1, domain: DOMAIN, progress, signal });
    const candidates: Candidate[] = [];
    for (const way of WAYS) {
      progress(`starting ${way.name}`);
      const port = await freePort();
      const begun = performance.now();
      const program = await startProgram({
        cores: cores.proxy,
        command: [
          process.execPath,
          ...[PROGRAM, `--port=${port}`, `--routes=${count}`],
          ...upstreams.ports.map((one) => `--upstream=${one}`),
          `--vault=${way === SINGLE ? single : state}`,
        ],
        isReady: () => answers(port, HOSTNAME, true),
      });
      stack.use(program);
      candidates.push({ way, program, port, startMs: performance.now() - begun, rounds: [], residentMib: 0 });
    }
    const drive = (one: Candidate, length: number) => {
      const names = one.way.names(count);
      const many = names === null ? [] : [String(names), String(one.way.exponent)];
      const host = names === null ? HOSTNAME : DOMAIN;
      const command = [
        file,
        String(one.port),
        host,
        '/',
        String(CONNECTIONS),
        String(length),
        'full',
        ...many,
      ] as const;
      return runGenerator(command, cores.load, signal);
    };
    for (let round = 1; round <= rounds; round++) {
      for (const one of candidates) {
        progress(`round ${round} of ${rounds}, ${one.way.name}`);
        await drive(one, Math.min(seconds, round === 1 ? FIRST_WARM_UP_S : WARM_UP_S));
        const pids = processTree(one.program.pid);
        const before = processorMs(pids);
        const driven = await drive(one, seconds);
        const cpuUs = ((processorMs(pids) - before) * 1000) / Math.max(1, driven.requests);
        const perSecond = driven.requests / driven.seconds;
        one.rounds.push({ cpuUs, perSecond, p99Ms: driven.p99Ms, errors: driven.errors });
        one.residentMib = residentMb(pids);
      }
    }
    return report({ count, storeStartMs, fileMib, candidates });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How long the store takes to open, which is what a start waits for, in ms. */
async function timeStarts(directory: string): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const begun = performance.now();
    const store = await openSqliteStore(directory);
    times.push(performance.now() - begun);
    await store.close();
  }
  return times;
}

function report({ count, storeStartMs, fileMib, candidates }: Findings): Report {
  const of = (one: Candidate, figure: keyof Round): Spread => spread(one.rounds.map((round) => round[figure]));
  const still = candidates.find(({ way }) => way === SINGLE);
  const base = still === undefined ? 0 : of(still, 'cpuUs').median;
  const ratio = (one: Candidate): number => of(one, 'cpuUs').median / base;
  const goals: Goal[] = candidates
    .filter(({ way }) => way !== SINGLE)
    .map((one) => ({
      what: `processor time of a handshake, ${one.way.name}, beside a single one`,
      goal: `≤ ${GOAL_RATIO}×`,
      measured: `${figureText(ratio(one))}×`,
      met: ratio(one) <= GOAL_RATIO,
    }));
  const errors = candidates.flatMap(({ rounds }) => rounds).reduce((total, round) => total + round.errors, 0);
  goals.push({ what: 'failed handshakes and requests', goal: '0', measured: String(errors), met: errors === 0 });
  return {
    name: certificates.name,
    title: `${certificates.title}: ${count} of them`,
    method: [
      `${count} certificates on P-256 with an intermediate, each for one hostname, keys sealed, in the embedded store (${figureText(fileMib)} MiB); as many routes. For speed of making they share a key pair; each is signed and sealed by itself.`,
      `The gateway alone on one core, ${CONNECTIONS} clients at a time on another, TLS 1.3, each connection a full handshake and one request for 1 KiB. Candidates in turns, each a process of its own.`,
      `"single": one certificate in the store, made into a TLS context once. "at hand": of the first ${AT_HAND} names, whose contexts all stay in memory; "zipf" (exponent 1) and "uniform": of all names, of which most have to be looked up, decrypted and made into a context first.`,
      `Memory is what is resident (VmRSS) after the last round. A start is from the launch of the process to its first answer over TLS, with ${count} routes; of the store alone, the median of ${STARTS}: ${figureText(median(storeStartMs))} ms.`,
    ],
    tables: [
      {
        title: 'Full handshakes with a request, medians of the rounds (smallest–largest)',
        columns: ['', 'processor µs', '× single', '1/s', 'p99 ms', 'MiB', 'start s'],
        rows: candidates.map((one) => [
          one.way.name,
          spreadText(of(one, 'cpuUs')),
          figureText(ratio(one)),
          spreadText(of(one, 'perSecond')),
          spreadText(of(one, 'p99Ms')),
          figureText(one.residentMib),
          figureText(one.startMs / 1000),
        ]),
      },
    ],
    goals,
    chart: {
      title: `Processor time of a full handshake, ${count} certificates stored`,
      unit: 'µs',
      groups: candidates.map((one) => {
        const { median: value, min, max } = of(one, 'cpuUs');
        const goal = one.way === SINGLE ? null : base * GOAL_RATIO;
        return { label: one.way.name, bars: [{ label: 'µs', value, range: [min, max], isOurs: true, goal }] };
      }),
    },
    versions: {},
    data: {
      count,
      fileMib,
      storeStartMs,
      candidates: candidates.map(({ way, startMs, residentMib, rounds }) => ({
        name: way.name,
        startMs,
        residentMib,
        rounds,
      })),
    },
  };
}
