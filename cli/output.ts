/**
 * What a command says: data to stdout, everything else to stderr. What comes from outside (DNS records, labels, words of an
 * authority) cannot move the cursor, colour the screen or pretend to be a line of its own.
 */
import type { CommandFailure } from './command-failure.ts';
import { EXIT } from './exit-codes.ts';
import type { Sink } from './world.ts';

const GAP = '  ';
/** SGR parameters of ECMA-48. */
const STYLES = { good: 32, bad: 31, waiting: 33, head: 1 } as const;
export type Style = keyof typeof STYLES;

/** Controls of ECMA-48, line ends of any kind, and marks that turn the direction of writing. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

export interface Cell {
  readonly text: string;
  readonly style: Style | null;
}

export interface OutputOptions {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly colors: boolean;
}

export class Output {
  readonly #options: OutputOptions;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  json(value: unknown): void {
    // Line ends are those between values; all others are escaped, as is what JSON leaves of the other controls.
    for (const line of JSON.stringify(value, null, 2).split('\n')) this.line(line);
  }

  /** One of many, each on a line of its own. */
  jsonLine(value: unknown): void {
    this.line(JSON.stringify(value));
  }

  /** As it is: for text of our own, and for what programs will read. */
  text(text: string): void {
    this.#options.stdout.write(text);
  }

  line(text = ''): void {
    this.text(`${printable(text)}\n`);
  }

  /** Columns as wide as their widest cell; nothing is cut, so that everything can be copied. */
  table(head: readonly string[], rows: readonly (readonly (string | Cell)[])[]): void {
    const cells = [head.map((text) => ({ text, style: 'head' }) as const), ...rows.map((row) => row.map(cellOf))];
    const widths = head.map((_, column) => Math.max(...cells.map((row) => widthOf(row[column]?.text ?? ''))));
    for (const row of cells) {
      const last = row.findLastIndex(({ text }) => text !== '');
      const padded = row.slice(0, last + 1).map(({ text, style }, column) => {
        const width = column === last ? 0 : (widths[column] ?? 0);
        return this.#painted(text, style) + ' '.repeat(Math.max(0, width - widthOf(text)));
      });
      this.text(`${padded.join(GAP)}\n`);
    }
  }

  /** A name and a value on each line; null and undefined are left out. */
  facts(facts: Readonly<Record<string, string | Cell | null | undefined>>): void {
    const known = Object.entries(facts).flatMap(([name, value]) => (value ? [[name, cellOf(value)] as const] : []));
    const width = Math.max(...known.map(([name]) => name.length)) + 1;
    for (const [name, { text, style }] of known) {
      this.text(`${`${name}:`.padEnd(width)}${GAP}${this.#painted(text, style)}\n`);
    }
  }

  /** What goes on, for people. */
  note(text: string): void {
    this.#options.stderr.write(`${printable(text)}\n`);
  }

  failure({ message, details, fix, exit }: CommandFailure): void {
    this.note(`${exit === EXIT.usage ? 'tide' : 'error'}: ${message}`);
    for (const detail of details) this.note(`${GAP}${detail}`);
    for (const step of fix) this.note(`fix: ${step}`);
  }

  #painted(text: string, style: Style | null): string {
    const shown = printable(text);
    return style === null || !this.#options.colors ? shown : `\u001b[${STYLES[style]}m${shown}\u001b[0m`;
  }
}

/** On one line, without anything that a terminal acts upon. */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, (character) => {
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
  });
}

function cellOf(cell: string | Cell): Cell {
  const { text, style } = typeof cell === 'string' ? { text: cell, style: null } : cell;
  return { text: printable(text), style };
}

function widthOf(text: string): number {
  return [...text].length;
}
