/** Draws what several candidates made of one trace: load, replicas, queue and latency over time. */
import { svgLines } from '../line-chart.ts';
import { percentile } from '../statistics.ts';
import type { Outcome } from './simulation.ts';

const COLORS: Readonly<Record<string, string>> = {
  Tidegate: '#0b7285',
  Knative: '#e8590c',
  heedless: '#9c36b5',
  spares: '#2b8a3e',
  fixed: '#adb5bd',
};
const LOAD_COLOR = '#495057';
const SECOND_MS = 1000;
const NINETY_FIFTH = 95;

/** @param outcomes of the same trace, one at least */
export function simulationChart(outcomes: readonly Outcome[]): string {
  const trace = outcomes[0]?.options.trace;
  if (trace === undefined) throw new RangeError('nothing was simulated');
  const seconds = Array.from({ length: trace.seconds }, (_, second) => second);
  const lines = (values: (outcome: Outcome) => readonly (number | null)[]) =>
    outcomes.map((outcome) => {
      const { name } = outcome.options.candidate;
      return { label: name, color: COLORS[name] ?? LOAD_COLOR, values: values(outcome) };
    });
  const load = { label: '', color: LOAD_COLOR, values: seconds.map((second) => trace.rate(second)) };
  return svgLines({
    title: `${trace.name}: ${trace.title}`,
    seconds: trace.seconds,
    panels: [
      { title: 'requests a second', series: [load] },
      { title: 'replicas wanted', series: lines(({ moments }) => moments.map(({ desired }) => desired)) },
      { title: 'requests that wait', series: lines(({ moments }) => moments.map(({ held }) => held)) },
      { title: 'p95 of what arrived in that second, ms', series: lines(latencyBySecond) },
    ],
  });
}

function latencyBySecond({ answers, options }: Outcome): readonly (number | null)[] {
  const times: number[][] = Array.from({ length: options.trace.seconds }, () => []);
  for (let i = 0; i + 1 < answers.length; i += 2) {
    times[Math.floor((answers[i] ?? 0) / SECOND_MS)]?.push(answers[i + 1] ?? 0);
  }
  return times.map((one) => (one.length === 0 ? null : percentile(one, NINETY_FIFTH)));
}
