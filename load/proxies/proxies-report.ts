/** The report of the side-by-side benchmark: medians with their spread, proportions as goals, a chart of processor time. */
import type { Chart } from '../chart.ts';
import type { CorePlan } from '../processes.ts';
import type { Goal, Report } from '../report.ts';
import { median, spread } from '../statistics.ts';
import { figureText, spreadText } from '../table.ts';
import type { CandidateSpec } from './candidate.ts';
import type { FigureName, ProportionGoal, ProxyCase } from './case.ts';
import { type Figures, saturatedSide } from './round.ts';

export interface CandidateResult {
  readonly spec: Pick<CandidateSpec, 'name' | 'isOurs'>;
  readonly rounds: readonly Figures[];
}

export interface CaseResult {
  readonly load: Pick<ProxyCase, 'name' | 'title' | 'goals'>;
  readonly candidates: readonly CandidateResult[];
}

export interface ProxiesRun {
  readonly rounds: number;
  readonly seconds: number;
  readonly cores: CorePlan;
  readonly versions: Readonly<Record<string, string>>;
  /** Cases that came to nothing, and why. */
  readonly failures: readonly string[];
}

const COLUMNS = [
  'case',
  'candidate',
  'CPU µs/request',
  'requests/s',
  'p50 ms',
  'p99 ms',
  'RSS MB',
  'proxy core',
  'load core',
  'saturated',
  'errors',
];
/** Other work that takes more of the proxy's core than this has a say in the figures. */
const DISTURBED = 0.1;
const FIGURE_WORDS: Readonly<Record<FigureName, string>> = {
  cpuUs: 'CPU per request',
  perSecond: 'requests per second',
  p99Ms: 'p99',
};

export function proxiesReport(
  { name, title }: { readonly name: string; readonly title: string },
  results: readonly CaseResult[],
  run: ProxiesRun,
): Report {
  return {
    name,
    title,
    method: [
      `The proxy ran alone on core ${run.cores.proxy.join(', ')}; the load generator (one thread), the upstreams (one nginx worker on two ports) and the benchmark itself on core ${run.cores.load.join(', ')}.`,
      'In two-workers every candidate had as many cores as workers and shared them with its load (a wrk thread a core) and its upstreams, so that each worker had the same company: there, CPU µs/request is the figure.',
      'Load: wrk for HTTP/1.1, h2load for HTTP/2, own generators in C for TLS 1.3 (ECDSA P-256; resumed handshakes by ticket) and WebSockets (before an upstream in C that echoes); a request of the websocket case is a message there and back.',
      `Candidates took turns, ${run.rounds} rounds of ${run.seconds} s each after a warm-up in every round; figures are medians (min–max) of the rounds.`,
      'CPU µs/request is user and system time of the proxy and its children from /proc, divided by the answered requests: the fair figure, as requests/s depend on what else the machine does.',
      'A side counts as saturated when its core worked for 95 % of the time or more.',
      'Tidegate was the whole gateway with its metrics and 10,000 routes unless the case says otherwise, access log off; the others had one route and set X-Forwarded-For, -Proto and -Host as it does.',
      ...disturbance(results),
    ],
    tables: [{ title: 'Side by side', columns: COLUMNS, rows: results.flatMap(rowsOf) }],
    goals: results.flatMap((result) => result.load.goals.flatMap((goal) => judged(result, goal))),
    chart: chartOf(results),
    versions: run.versions,
    failures: run.failures,
    data: results.map(({ load, candidates }) => ({
      case: load.name,
      candidates: candidates.map(({ spec, rounds }) => ({ name: spec.name, rounds })),
    })),
  };
}

/** Says so when something else ran on the core of the proxy. */
function disturbance(results: readonly CaseResult[]): readonly string[] {
  const all = results.flatMap(({ candidates }) => candidates.flatMap(({ rounds }) => rounds));
  const most = Math.max(0, ...all.map(({ proxyBusy, ownBusy }) => proxyBusy - ownBusy));
  if (most <= DISTURBED) return [];
  return [
    `Disturbed: other work took up to ${percent(most)} of the time of the proxy's core, so these figures do not count.`,
  ];
}

function rowsOf({ load, candidates }: CaseResult): string[][] {
  return candidates.map(({ spec, rounds }) => {
    const of = (read: (figures: Figures) => number): string => spreadText(spread(rounds.map(read)));
    const [proxyBusy, loadBusy] = [
      median(rounds.map((one) => one.proxyBusy)),
      median(rounds.map((one) => one.loadBusy)),
    ];
    return [
      load.name,
      spec.name,
      of((one) => one.cpuUs),
      of((one) => one.perSecond),
      of((one) => one.p50Ms),
      of((one) => one.p99Ms),
      figureText(median(rounds.map((one) => one.residentMb))),
      percent(proxyBusy),
      percent(loadBusy),
      saturatedSide({ proxyBusy, loadBusy }),
      String(rounds.reduce((total, one) => total + one.errors, 0)),
    ];
  });
}

/** Nothing when one of the two was left out. */
function judged({ load, candidates }: CaseResult, goal: ProportionGoal): Goal[] {
  const figure = (name: string): number | null => {
    const found = candidates.find(({ spec }) => spec.name === name);
    return found === undefined ? null : median(found.rounds.map((one) => one[goal.figure]));
  };
  const [of, to] = [figure(goal.of), figure(goal.to)];
  if (of === null || to === null) return [];
  const proportion = of / to;
  return [
    {
      what: `${load.name}: ${FIGURE_WORDS[goal.figure]} of ${goal.of} to ${goal.to}`,
      goal: `${goal.bound === 'at most' ? '≤' : '≥'} ${goal.factor}×`,
      measured: `${figureText(proportion)}×`,
      met: goal.bound === 'at most' ? proportion <= goal.factor : proportion >= goal.factor,
    },
  ];
}

function chartOf(results: readonly CaseResult[]): Chart {
  const groups = results.map(({ load, candidates }) => ({
    label: load.title,
    bars: candidates.map(({ spec, rounds }) => {
      const { median: value, min, max, count } = spread(rounds.map((one) => one.cpuUs));
      return {
        label: spec.name,
        value,
        range: count > 1 ? ([min, max] as const) : null,
        isOurs: spec.isOurs,
        goal: null,
      };
    }),
  }));
  return { title: 'Processor time per request, lower is better', unit: 'µs', groups };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
