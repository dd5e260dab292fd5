/**
 * Millions of requests and answers, sound and not, through each lane: whether anything is read in two ways, hangs, leaks or
 * ends the process. The inputs and the verdict are those of the tests (test/gateway/fuzz), in a process for every core.
 */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { LANES } from '../../test/gateway/support/rig.ts';
import type { Goal, Report } from '../report.ts';
import { isChosen, type LoadContext, type Scenario } from '../scenario.ts';

/** Of every lane, in each round. */
const INPUTS_PER_ROUND = 100_000;
const GOAL_PER_SECOND = 5000;
const SEED_MAX = 2 ** 31;
const MIB_BYTES = 2 ** 20;
/** What a process may grow by in its second half. */
const GROWTH_MAX_MIB = 64;
const WORKER = new URL('../../test/gateway/fuzz/fuzz-worker.ts', import.meta.url).pathname;

interface Progress {
  readonly inputs: number;
  readonly memoryBytes: number;
  readonly forwarded?: number;
  readonly findings?: readonly string[];
}

interface Outcome {
  readonly seed: number;
  readonly inputs: number;
  readonly forwarded: number;
  readonly findings: readonly string[];
  readonly growthMib: number;
}

interface LaneOutcome {
  readonly lane: string;
  readonly seconds: number;
  readonly workers: readonly Outcome[];
}

export const fuzz: Scenario = {
  name: 'fuzz',
  title: 'Sound and unsound HTTP/1 through every lane (a round is 100,000 inputs a lane)',
  parts: LANES,
  run: runFuzz,
};

async function runFuzz(context: LoadContext): Promise<Report> {
  const outcomes: LaneOutcome[] = [];
  for (const lane of LANES.filter((one) => isChosen(one, LANES, context.options))) {
    outcomes.push(await fuzzLane(lane, context));
  }
  return report(outcomes);
}

async function fuzzLane(lane: string, { options, progress, signal }: LoadContext): Promise<LaneOutcome> {
  const total = (options.rounds ?? 1) * INPUTS_PER_ROUND;
  const cores = availableParallelism();
  const done: number[] = Array.from({ length: cores }, () => 0);
  const start = performance.now();
  const worker = (_: unknown, i: number): Promise<Outcome> => {
    const seed = randomInt(1, SEED_MAX);
    return runWorker([lane, String(seed), String(Math.ceil(total / cores))], signal, (inputs) => {
      done[i] = inputs;
      progress(`${lane}: ${done.reduce((a, b) => a + b)} of ${total} inputs`);
    });
  };
  const workers = await Promise.all(Array.from({ length: cores }, worker));
  return { lane, seconds: (performance.now() - start) / 1000, workers };
}

/** @throws Error when interrupted */
async function runWorker(
  args: readonly string[],
  signal: AbortSignal,
  onProgress: (inputs: number) => void,
): Promise<Outcome> {
  signal.throwIfAborted();
  const child = spawn(process.execPath, [WORKER, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const kill = (): boolean => child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  const exited = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, by) => resolve(code === 0 ? '' : `ended with ${by ?? code}`));
  });
  let last: Progress = { inputs: 0, memoryBytes: 0 };
  const sizes: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    last = JSON.parse(line) as Progress;
    sizes.push(last.memoryBytes);
    onProgress(last.inputs);
  }
  const death = await exited;
  signal.removeEventListener('abort', kill);
  signal.throwIfAborted();
  const { inputs, forwarded = 0, findings = [] } = last;
  const early = sizes[Math.ceil(sizes.length / 2)] ?? last.memoryBytes;
  return {
    seed: Number(args[1]),
    inputs,
    forwarded,
    findings: death === '' ? findings : [...findings, `the process ${death} after ${inputs} inputs`],
    growthMib: (last.memoryBytes - early) / MIB_BYTES,
  };
}

function report(outcomes: readonly LaneOutcome[]): Report {
  const rows = outcomes.map((outcome) => ({ ...outcome, ...summed(outcome.workers) }));
  const goals = rows.flatMap(({ lane, inputs, findings, growthMib, seconds }): Goal[] => [
    { what: `${lane}: findings`, goal: '0', measured: String(findings.length), met: findings.length === 0 },
    {
      what: `${lane}: growth of a process in its second half`,
      goal: `≤ ${GROWTH_MAX_MIB} MiB`,
      measured: `${Math.round(growthMib)} MiB`,
      met: growthMib <= GROWTH_MAX_MIB,
    },
    {
      what: `${lane}: inputs a second`,
      goal: `≥ ${GOAL_PER_SECOND}`,
      measured: String(Math.round(inputs / seconds)),
      met: inputs / seconds >= GOAL_PER_SECOND,
    },
  ]);
  return {
    name: fuzz.name,
    title: fuzz.title,
    method: [
      'Requests are put together from the grammar or mutated from a corpus, many sent ahead of each other on one connection; one input in some ten is an answer of the replica.',
      'The scanner, Node’s parser on what was sent and Node’s parser on what reached the replica have to agree, and every answer has to be that of its request.',
      'After every 10,000 inputs of a process nothing may be in flight, claimed or open but kept connections.',
      `Seeds: ${rows.map(({ lane, workers }) => `${lane} ${workers.map(({ seed }) => seed).join(', ')}`).join('; ')}.`,
    ],
    tables: [
      {
        title: 'Inputs',
        columns: ['lane', 'inputs', 'forwarded', 'findings', 'inputs/s'],
        rows: rows.map(({ lane, inputs, forwarded, findings, seconds }) =>
          [lane, inputs, forwarded, findings.length, Math.round(inputs / seconds)].map(String),
        ),
      },
    ],
    goals,
    chart: {
      title: 'Inputs a second',
      unit: '1/s',
      groups: rows.map(({ lane, inputs, seconds }) => ({
        label: lane,
        bars: [{ label: lane, value: inputs / seconds, range: null, isOurs: true, goal: GOAL_PER_SECOND }],
      })),
    },
    versions: {},
    data: rows,
  };
}

function summed(workers: readonly Outcome[]): Omit<Outcome, 'seed'> {
  return {
    inputs: workers.reduce((sum, { inputs }) => sum + inputs, 0),
    forwarded: workers.reduce((sum, { forwarded }) => sum + forwarded, 0),
    findings: workers.flatMap(({ findings }) => findings),
    growthMib: Math.max(...workers.map(({ growthMib }) => growthMib)),
  };
}
