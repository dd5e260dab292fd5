/** How many replicas there are, and what users notice, when traces are replayed in simulated time before several deciders. */

import type { Goal, Picture, Report } from '../report.ts';
import { isChosen, type LoadContext, type Scenario } from '../scenario.ts';
import { type Candidate, fixed, heedless, knative, tidegate, withSpares } from '../simulator/candidates.ts';
import type { MachineModel, ServiceModel } from '../simulator/fleet.ts';
import {
  directionChanges,
  type Outcome,
  type SimulationOptions,
  simulate,
  timesBetween,
} from '../simulator/simulation.ts';
import { simulationChart } from '../simulator/simulation-chart.ts';
import {
  BURSTS,
  CLIMB,
  DAY,
  RAMP,
  SLOWER,
  SPIKE,
  STARTS_THAT_SLOW,
  STEP,
  TRACES,
  type Trace,
} from '../simulator/traces.ts';
import { percentile } from '../statistics.ts';
import { figureText } from '../table.ts';

const WORK_MS = 100;
const CONCURRENCY = 10;
/** Requests at a time that a replica of the fixed fleet has at the peak, on average: as Tidegate aims at. */
const AIM = 0.7 * CONCURRENCY;
const MAX_REPLICAS = 50;
/** Two cores; a start has one of them for 500 to 700 ms, a request the twentieth part of one. */
const SMALL_MACHINE: MachineModel = { cores: 2, requestCores: 0.05 };
const SLOWING_START_MS: ServiceModel['startMs'] = [500, 700];
const SETTLED_S = 10;
const FIRST_BURST_OVER_S = 180;
const QUARTER_START_MS = 500;
const SLOWER_FROM = { from: 60, times: 4 };
const NAMES = TRACES.map(({ name }) => name);

export const simulation: Scenario = {
  name: 'simulate',
  title: 'Deciders before the same traces, in simulated time',
  parts: NAMES,
  isSimulated: true,
  run: runSimulate,
};

async function runSimulate({ options, progress, signal }: LoadContext): Promise<Report> {
  const outcomes: Outcome[] = [];
  for (const trace of TRACES.filter(({ name }) => isChosen(name, NAMES, options))) {
    for (const candidate of candidatesOf(trace)) {
      progress(`${trace.name}: ${candidate.name}`);
      signal.throwIfAborted();
      outcomes.push(simulate(setting(trace, candidate)));
      // Lets an interruption through.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return report(outcomes);
}

/** Where starts or answers take their time, what heeding starts does is shown beside not doing so. */
function candidatesOf(trace: Trace): readonly Candidate[] {
  if (trace === BURSTS) return [withSpares, tidegate, knative, fixed];
  const isAboutStarts = trace === STARTS_THAT_SLOW || trace === SLOWER;
  return isAboutStarts ? [tidegate, heedless, knative, fixed] : [tidegate, knative, fixed];
}

/** The same service for all; what spikes from zero takes two seconds to start, as the issue has it. */
export function setting(trace: Trace, candidate: Candidate): SimulationOptions {
  const service = serviceOf(trace);
  const workMs = service.workMs * (service.slower?.times ?? 1);
  const peak = Math.max(1, Math.ceil((trace.peak * workMs) / 1000 / AIM), Math.ceil(trace.atOnce / CONCURRENCY));
  const least = trace === SPIKE ? 0 : trace === DAY ? 3 : 1;
  const isFixed = candidate === fixed;
  return {
    ...{ trace, candidate, service, concurrency: CONCURRENCY },
    min: isFixed ? peak : least,
    max: isFixed ? peak : MAX_REPLICAS,
    replicas: isFixed ? peak : least,
  };
}

function serviceOf(trace: Trace): ServiceModel {
  if (trace === STARTS_THAT_SLOW) return { workMs: WORK_MS, startMs: SLOWING_START_MS, machine: SMALL_MACHINE };
  if (trace === SLOWER) return { workMs: WORK_MS, startMs: SLOWING_START_MS, slower: SLOWER_FROM };
  return { workMs: WORK_MS, startMs: trace === SPIKE || trace === BURSTS ? [2000, 2000] : [300, 500] };
}

function report(outcomes: readonly Outcome[]): Report {
  const traces = TRACES.filter((trace) => outcomes.some(({ options }) => options.trace === trace));
  const tables = traces.map((trace) => ({
    title: `${trace.name}: ${trace.title}`,
    columns: [
      '',
      'replica seconds',
      'spares: seconds frozen',
      'most replicas',
      'p95 ms',
      'p99 ms',
      'longest ms',
      'errors',
      'turns',
    ],
    rows: outcomes.filter(({ options }) => options.trace === trace).map(row),
  }));
  const bars = traces.map((trace) => ({
    label: trace.name,
    bars: outcomes
      .filter(({ options }) => options.trace === trace)
      .map(({ options, replicaSeconds }) => ({
        ...{ label: options.candidate.name, value: Math.round(replicaSeconds), range: null, goal: null },
        isOurs: options.candidate.isOurs,
      })),
  }));
  const pictures: Picture[] = traces.map((trace) => ({
    name: trace.name,
    title: trace.title,
    svg: simulationChart(outcomes.filter(({ options }) => options.trace === trace)),
  }));
  return {
    ...{ name: simulation.name, title: simulation.title, tables, pictures, versions: {} },
    goals: traces.flatMap((trace) => goalsOf(trace, outcomes)),
    method: [
      `Simulated: work of ${WORK_MS} ms, at most ${CONCURRENCY} requests at a time in a replica (7 aimed at), the rest waits; a replica starts within 300 to 500 ms, within 2 s in "${SPIKE.name}" and "${BURSTS.name}", within 500 to 700 ms in "${STARTS_THAT_SLOW.name}" and "${SLOWER.name}".`,
      'Arrivals are a Poisson process with a seed: every run is the same, and every candidate sees the same.',
      'Tidegate is its own loop as it runs in production (`scaler/autoscaler.ts`) on a simulated clock; Knative is its published rules with its defaults (`load/simulator/candidates.ts`); fixed is a fleet for the peak at 7 requests a replica.',
      `In "${BURSTS.name}" frozen spares are thawed within 3 ms; they cost memory and no processor time, so they are counted by themselves.`,
      'Turns: how often the number that is wanted goes up after it went down or the other way, the most in any phase of the trace.',
      `In "${STARTS_THAT_SLOW.name}" all shares two cores evenly: a start would use one, a request the twentieth part of one; with more to run than that all of it takes longer. "heedless" is Tidegate's loop as it was before it knew of that.`,
      'What a model cannot show: replicas that get slower under load of their own, and what the Engine takes to start several at once.',
    ],
    chart: { title: 'Replica seconds', unit: 's', groups: bars },
    data: outcomes.map((one) => ({
      trace: one.options.trace.name,
      candidate: one.options.candidate.name,
      ...figures(one),
    })),
  };
}

interface Figures {
  readonly replicaSeconds: number;
  readonly spareSeconds: number;
  readonly peakReplicas: number;
  readonly p95: number;
  readonly p99: number;
  readonly longest: number;
  readonly errors: number;
  readonly turns: number;
}

function figures(outcome: Outcome): Figures {
  const { trace } = outcome.options;
  const times = timesBetween(outcome, 0, trace.seconds);
  return {
    replicaSeconds: Math.round(outcome.replicaSeconds),
    spareSeconds: Math.round(outcome.spareSeconds),
    peakReplicas: outcome.peakReplicas,
    ...{ p95: percentile(times, 95), p99: percentile(times, 99), longest: percentile(times, 100) },
    errors: outcome.errors,
    turns: Math.max(...trace.phases.map(({ from, to }) => directionChanges(outcome, from, to))),
  };
}

function row(outcome: Outcome): string[] {
  const { replicaSeconds, spareSeconds, peakReplicas, p95, p99, longest, errors, turns } = figures(outcome);
  const numbers = [replicaSeconds, spareSeconds, peakReplicas, p95, p99, longest, errors, turns];
  return [outcome.options.candidate.title, ...numbers.map(figureText)];
}

/** What issue 6 asks of each trace. */
function goalsOf(trace: Trace, outcomes: readonly Outcome[]): Goal[] {
  const of = (candidate: Candidate): Outcome | undefined =>
    outcomes.find(({ options }) => options.trace === trace && options.candidate === candidate);
  const [ours, whole] = [of(tidegate), of(fixed)];
  if (ours === undefined || whole === undefined) return [];
  const [mine, peak] = [figures(ours), figures(whole)];
  if (trace === RAMP || trace === STEP) {
    const begin = trace.phases[1]?.from ?? 0;
    const times = [...timesBetween(ours, 0, begin), ...timesBetween(ours, begin + 1, trace.seconds)];
    const p95 = percentile(times, 95);
    return [
      goal(`${trace.name}: turns in any phase`, '≤ 1', [mine.turns, mine.turns <= 1]),
      goal(`${trace.name}: p95 outside the first second of the step`, '≤ work + 30 ms', [p95, p95 <= WORK_MS + 30]),
    ];
  }
  if (trace === CLIMB) {
    return [
      goal('climb: turns in any phase', '≤ 1', [mine.turns, mine.turns <= 1]),
      goal('climb: p99 as part of the fixed fleet', '≤ 1.2', [mine.p99 / peak.p99, mine.p99 <= 1.2 * peak.p99]),
    ];
  }
  if (trace === STARTS_THAT_SLOW) {
    return [
      goal(`${trace.name}: most replicas, where three are enough`, '≤ 5', [mine.peakReplicas, mine.peakReplicas <= 5]),
      goal(`${trace.name}: errors`, '0', [mine.errors, mine.errors === 0]),
    ];
  }
  if (trace === SLOWER) {
    const p95 = percentile(timesBetween(ours, SLOWER_FROM.from + SETTLED_S, trace.seconds), 95);
    const aimMs = SLOWER_FROM.times * WORK_MS + 30;
    return [goal(`${trace.name}: p95 ten seconds after the change`, '≤ work + 30 ms', [p95, p95 <= aimMs])];
  }
  if (trace === BURSTS) {
    const spared = of(withSpares);
    if (spared === undefined) return [];
    const later = percentile(timesBetween(spared, FIRST_BURST_OVER_S, trace.seconds), 99);
    const last = spared.moments.at(-1)?.spares ?? 0;
    return [
      goal(`${trace.name}: p99 with spares, after the first burst`, '≤ a quarter of a start, 500 ms', [
        later,
        later <= QUARTER_START_MS,
      ]),
      goal(`${trace.name}: spares when bursts are over`, '0', [last, last === 0]),
    ];
  }
  if (trace === SPIKE) {
    const isRight = mine.peakReplicas === 5 && mine.errors === 0;
    return [goal('50 queued cold: most replicas, all answered', '= 5', [mine.peakReplicas, isRight])];
  }
  if (trace !== DAY) return [];
  const part = mine.replicaSeconds / peak.replicaSeconds;
  return [
    goal('day: replica seconds as part of the fixed fleet', '≤ 0.50', [part, part <= 0.5]),
    goal('day: errors', '0', [mine.errors, mine.errors === 0]),
    goal('day: p99 as part of the fixed fleet', '≤ 1.2', [mine.p99 / peak.p99, mine.p99 <= 1.2 * peak.p99]),
  ];
}

function goal(what: string, aim: string, [measured, met]: readonly [number, boolean]): Goal {
  return { what, goal: aim, measured: figureText(measured), met };
}
