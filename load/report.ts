/** What a scenario found out, and how a person reads it. */
import type { Chart } from './chart.ts';
import type { MachineFacts } from './machine.ts';
import { percentile } from './statistics.ts';
import { figureText, markdownTable, type Table, terminalTable } from './table.ts';

export interface Goal {
  readonly what: string;
  /** In words: `p99 ≤ 50 ms`. */
  readonly goal: string;
  readonly measured: string;
  readonly met: boolean;
}

/** What a percentile of times is to be at most. */
export type TimeGoal = readonly [percent: number, atMostMs: number];

/** How times stand to their goals. */
export function timeGoals(what: string, goals: readonly TimeGoal[], values: readonly number[]): Goal[] {
  return goals.map(([percent, atMostMs]) => {
    const measured = percentile(values, percent);
    return {
      what,
      goal: `p${percent} ≤ ${atMostMs} ms`,
      measured: `${figureText(measured)} ms`,
      met: measured <= atMostMs,
    };
  });
}

export interface Picture {
  /** Its file is named after the scenario and this. */
  readonly name: string;
  readonly title: string;
  /** A whole document. */
  readonly svg: string;
}

export interface Report {
  /** Of the scenario. */
  readonly name: string;
  readonly title: string;
  /** How it was measured, one sentence an entry. */
  readonly method: readonly string[];
  readonly tables: readonly Table[];
  readonly goals: readonly Goal[];
  readonly chart: Chart;
  /** Further drawings. */
  readonly pictures?: readonly Picture[];
  /** Names and versions of what took part beside Tidegate and Node. */
  readonly versions: Readonly<Record<string, string>>;
  /** What could not be measured, and why; nothing, if not given. */
  readonly failures?: readonly string[];
  /** Every single figure, for programs. */
  readonly data: unknown;
}

export function terminalReport(report: Report): string {
  const tables = [...report.tables, ...goalTables(report)].map(terminalTable);
  return [report.title, ...tables, ...failureLines(report)].join('\n\n');
}

/** @param chartFile name of the chart beside the Markdown file */
export function markdownReport(report: Report, facts: MachineFacts, chartFile: string): string {
  const versions = Object.entries({ ...facts.versions, ...report.versions }).map(
    ([name, version]) => `${name} ${version}`,
  );
  return [
    `# ${report.title}`,
    [
      `Measured ${facts.date} at ${facts.commit}.`,
      `Machine: ${facts.cores} × ${facts.cpu}, ${facts.memoryGb} GB, ${facts.system}; ${facts.idleText}.`,
      `Versions: ${versions.join(', ')}.`,
    ].join('\n'),
    ...report.tables.map(markdownTable),
    ...goalTables(report).map(markdownTable),
    ...failureLines(report),
    `![${report.chart.title}](${chartFile})`,
    ...(report.pictures ?? []).map(({ name, title }) => `![${title}](${report.name}-${name}.svg)`),
    `## How it was measured\n\n${report.method.map((sentence) => `- ${sentence}`).join('\n')}`,
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n');
}

function failureLines({ failures = [] }: Report): readonly string[] {
  return failures.map((failure) => `Not measured: ${failure}`);
}

function goalTables({ goals }: Report): readonly Table[] {
  if (goals.length === 0) return [];
  const rows = goals.map(({ what, goal, measured, met }) => [what, goal, measured, met ? 'met' : 'missed']);
  return [{ title: 'Goals', columns: ['what', 'goal', 'measured', ''], rows }];
}
