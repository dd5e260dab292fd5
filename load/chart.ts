/**
 * Bar charts as SVG, without a library: groups of horizontal bars, each with its spread, and with its goal as a
 * line where there is one. Every group has a scale of its own, as its bars are compared with each other.
 */

import { escaped, rounded, svgDocument } from './svg.ts';

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Smallest and largest value seen; null: there was one. */
  readonly range: readonly [low: number, high: number] | null;
  /** Stands out: it is what the chart is about. */
  readonly isOurs: boolean;
  /** What was aimed at; null: nothing. */
  readonly goal: number | null;
}

export interface BarGroup {
  readonly label: string;
  readonly bars: readonly Bar[];
}

export interface Chart {
  readonly title: string;
  /** Written behind every value. */
  readonly unit: string;
  readonly groups: readonly BarGroup[];
}

const WIDTH = 760;
const MARGIN = 20;
const LABEL_WIDTH = 150;
const VALUE_WIDTH = 140;
const BAR_HEIGHT = 18;
const BAR_STEP = 24;
const HEADING_HEIGHT = 32;
const GROUP_GAP = 14;
const TITLE_HEIGHT = 40;

const BAR_LEFT = MARGIN + LABEL_WIDTH;
const BAR_WIDTH = WIDTH - BAR_LEFT - VALUE_WIDTH - MARGIN;
const COLORS = { ours: '#0b7285', theirs: '#adb5bd', ink: '#212529', range: '#495057', goal: '#c92a2a' };

/** The chart as a whole SVG document. */
export function svgChart(chart: Chart): string {
  const parts: string[] = [text({ x: MARGIN, y: MARGIN + 12, size: 16, weight: 600 }, chart.title)];
  let y = MARGIN + TITLE_HEIGHT;
  for (const group of chart.groups) {
    parts.push(text({ x: MARGIN, y, size: 13, weight: 600 }, group.label));
    parts.push(...groupParts(group, chart.unit, y + 12));
    y += HEADING_HEIGHT + group.bars.length * BAR_STEP + GROUP_GAP;
  }
  const height = y + MARGIN - GROUP_GAP;
  return svgDocument({ title: chart.title, width: WIDTH, height, parts });
}

function groupParts(group: BarGroup, unit: string, top: number): string[] {
  const largest = Math.max(...group.bars.flatMap((bar) => [bar.value, bar.range?.[1] ?? 0, bar.goal ?? 0]));
  const x = (value: number): number => BAR_LEFT + (largest > 0 ? (Math.max(0, value) / largest) * BAR_WIDTH : 0);
  return group.bars.flatMap((bar, i) => barParts(bar, { x, unit, y: top + i * BAR_STEP }));
}

interface Place {
  /** Where a value ends. */
  readonly x: (value: number) => number;
  readonly y: number;
  readonly unit: string;
}

function barParts({ label, value, range, isOurs, goal }: Bar, { x, y, unit }: Place): string[] {
  const middle = y + BAR_HEIGHT / 2;
  const width = rounded(Math.max(1, x(value) - BAR_LEFT));
  const color = isOurs ? COLORS.ours : COLORS.theirs;
  const parts = [
    text({ x: BAR_LEFT - 8, y: middle + 4, size: 12, anchor: 'end' }, label),
    `<rect x="${BAR_LEFT}" y="${y}" width="${width}" height="${BAR_HEIGHT}" fill="${color}"/>`,
  ];
  if (range !== null) parts.push(line(COLORS.range, [x(range[0]), middle, x(range[1]), middle]));
  if (goal !== null) parts.push(line(COLORS.goal, [x(goal), y - 2, x(goal), y + BAR_HEIGHT + 2]));
  const end = Math.max(x(value), x(range?.[1] ?? 0), x(goal ?? 0));
  const aim = goal === null ? '' : `, goal ${short(goal)}`;
  parts.push(text({ x: rounded(end + 8), y: middle + 4, size: 12 }, `${short(value)} ${unit}${aim}`));
  return parts;
}

interface TextStyle {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly weight?: number;
  readonly anchor?: 'end';
}

function text({ x, y, size, weight = 400, anchor }: TextStyle, content: string): string {
  const anchored = anchor === undefined ? '' : ` text-anchor="${anchor}"`;
  return `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" fill="${COLORS.ink}"${anchored}>${escaped(content)}</text>`;
}

function line(color: string, [x1, y1, x2, y2]: readonly [number, number, number, number]): string {
  return `<line x1="${rounded(x1)}" y1="${rounded(y1)}" x2="${rounded(x2)}" y2="${rounded(y2)}" stroke="${color}" stroke-width="2"/>`;
}

function short(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
