/** Lines over time as SVG, without a library: panels below one another with a common axis of time, each with its own scale. */

import { escaped, rounded, svgDocument } from './svg.ts';

export interface Series {
  readonly label: string;
  /** Value at each second, from the first; null: there is none. */
  readonly values: readonly (number | null)[];
  readonly color: string;
}

export interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
}

export interface LineChart {
  readonly title: string;
  readonly seconds: number;
  readonly panels: readonly Panel[];
}

const WIDTH = 760;
const LEFT = 56;
const RIGHT = 16;
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
const PLOT_HEIGHT = 110;
const PANEL_HEIGHT = 164;
const TOP = 48;
const BOTTOM = 24;
const MOST_POINTS = 400;
const TICKS = 6;
const INK = '#212529';
const GRID = '#dee2e6';

/** The chart as a whole SVG document. */
export function svgLines({ title, seconds, panels }: LineChart): string {
  const height = TOP + panels.length * PANEL_HEIGHT + BOTTOM;
  const drawn = panels.flatMap((panel, i) => panelParts(panel, TOP + i * PANEL_HEIGHT, seconds));
  const axis = Array.from({ length: TICKS + 1 }, (_, i) => {
    const second = Math.round((seconds * i) / TICKS);
    return label(String(second), { x: xOf(second, seconds), y: height - 20, anchor: 'middle' });
  });
  const parts = [
    `<text x="20" y="28" font-size="15" font-weight="600" fill="${INK}">${escaped(title)}</text>`,
    ...drawn,
    ...axis,
    label('seconds', { x: WIDTH - RIGHT, y: height - 5, anchor: 'end' }),
  ];
  return svgDocument({ title, width: WIDTH, height, parts });
}

function panelParts({ title, series }: Panel, top: number, seconds: number): string[] {
  const plotTop = top + 30;
  const highest = Math.max(
    1,
    ...series.map(({ values }) => values.reduce<number>((most, one) => Math.max(most, one ?? 0), 0)),
  );
  const y = (value: number): number => plotTop + PLOT_HEIGHT * (1 - value / highest);
  const parts = [label(title, { x: 20, y: top + 18, anchor: 'start', weight: 600 })];
  let legend = WIDTH - RIGHT;
  for (const { label: name, color } of [...series].reverse()) {
    if (name === '') continue;
    parts.push(label(name, { x: legend, y: top + 18, anchor: 'end', color }));
    legend -= name.length * 7 + 16;
  }
  for (const value of [0, highest / 2, highest]) {
    parts.push(`<path d="M${LEFT} ${rounded(y(value))}H${WIDTH - RIGHT}" stroke="${GRID}"/>`);
    parts.push(label(short(value), { x: LEFT - 6, y: y(value) + 4, anchor: 'end' }));
  }
  for (const { values, color } of series) {
    const path = pathOf(values, (second) => xOf(second, seconds), y);
    parts.push(`<path d="${path}" fill="none" stroke="${color}" stroke-width="1.5"/>`);
  }
  return parts;
}

/** Of many values the greatest of each stretch is drawn: no peak is lost. */
function pathOf(
  values: readonly (number | null)[],
  x: (second: number) => number,
  y: (value: number) => number,
): string {
  const stretch = Math.max(1, Math.ceil(values.length / MOST_POINTS));
  let path = '';
  let isBroken = true;
  for (let i = 0; i < values.length; i += stretch) {
    const known = values.slice(i, i + stretch).filter((value) => value !== null);
    if (known.length === 0) {
      isBroken = true;
      continue;
    }
    path += `${isBroken ? 'M' : 'L'}${rounded(x(i))} ${rounded(y(Math.max(...known)))}`;
    isBroken = false;
  }
  return path;
}

function xOf(second: number, seconds: number): number {
  return LEFT + (second / seconds) * PLOT_WIDTH;
}

interface LabelStyle {
  readonly x: number;
  readonly y: number;
  readonly anchor: 'start' | 'middle' | 'end';
  readonly weight?: number;
  readonly color?: string;
}

function label(content: string, { x, y, anchor, weight = 400, color = INK }: LabelStyle): string {
  return `<text x="${rounded(x)}" y="${rounded(y)}" font-size="11" font-weight="${weight}" text-anchor="${anchor}" fill="${color}">${escaped(content)}</text>`;
}

function short(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(2)));
}
