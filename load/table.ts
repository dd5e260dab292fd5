/** Tables of a report: the same rows for a terminal and for a Markdown file. Columns of figures stand to the right. */
import { percentile, type Spread, spread } from './statistics.ts';

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Aligned with blanks, as a terminal shows it. */
export function terminalTable(table: Table): string {
  const lines = [table.columns, ...table.rows];
  const widths = table.columns.map((_, i) => Math.max(...lines.map((cells) => (cells[i] ?? '').length)));
  const right = table.columns.map((_, i) => isFigures(table, i));
  const drawn = lines.map((cells) =>
    cells
      .map((cell, i) => (right[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  const rule = widths.map((width) => '─'.repeat(width)).join('──');
  return [table.title, '', drawn[0] ?? '', rule, ...drawn.slice(1)].join('\n');
}

export function markdownTable(table: Table): string {
  const marks = table.columns.map((_, i) => (isFigures(table, i) ? '--:' : '---'));
  const lines = [table.columns, marks, ...table.rows].map((cells) => `| ${cells.map(escaped).join(' | ')} |`);
  return [`### ${table.title}`, '', ...lines].join('\n');
}

/** `41.2 (39.8–44)`: the median with the smallest and the largest value, to three significant digits. */
export function spreadText({ median, min, max, count }: Spread): string {
  return count === 1 ? figureText(median) : `${figureText(median)} (${figureText(min)}–${figureText(max)})`;
}

/** A row about times: what, how many, these percentiles, smallest–largest. */
export function timesRow(what: string, values: readonly number[], percents: readonly number[]): string[] {
  const { min, max, count } = spread(values);
  const percentiles = percents.map((percent) => figureText(percentile(values, percent)));
  return [what, String(count), ...percentiles, `${figureText(min)}–${figureText(max)}`];
}

/** Three significant digits, whole numbers in full. */
export function figureText(value: number): string {
  if (Math.abs(value) >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

function isFigures(table: Table, column: number): boolean {
  return table.rows.length > 0 && table.rows.every((cells) => /^$|^[-–<≤≥×]? ?-?\d/.test(cells[column] ?? ''));
}

function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|');
}
