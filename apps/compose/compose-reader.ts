/**
 * Reads nodes of a compose file as what they have to be, with variables filled in, and keeps what is wrong and what people
 * should know, each with its line. A reader goes on after a problem: all of them are told at once.
 */
import { nearest } from '#core/nearest';
import type { ComposeEntry, ComposeMap, ComposeNode, ComposeProblem, Place } from './compose-node.ts';
import { interpolate } from './interpolation.ts';
import { wordsOf } from './quantities.ts';

const PROBLEMS_MAX = 100;

export interface ComposeNote {
  readonly line: number;
  readonly detail: string;
}

export class ComposeReader {
  readonly problems: ComposeProblem[] = [];
  readonly notes: ComposeNote[] = [];
  readonly #variables: ReadonlyMap<string, string>;
  /** A text that several aliases stand for is complained about once. */
  readonly #told = new Set<string>();

  constructor(variables: ReadonlyMap<string, string>) {
    this.#variables = variables;
  }

  refuse({ line, column }: Place, code: string, detail: string): void {
    const key = `${line}:${column}:${detail}`;
    if (this.#told.has(key) || this.problems.length >= PROBLEMS_MAX) return;
    this.#told.add(key);
    this.problems.push({ line, column, code, detail });
  }

  note({ line }: Place, detail: string): void {
    const key = `${line}:${detail}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.notes.push({ line, detail });
  }

  variable(name: string): string | null {
    return this.#variables.get(name) ?? null;
  }

  /** Null: nothing is there, or it is no text, which is then said. */
  text(node: ComposeNode | undefined, what: string): string | null {
    if (node === undefined) return null;
    if (node.kind !== 'scalar') {
      this.refuse(node.place, 'bad_value', `${what} is one value, not a ${node.kind}.`);
      return null;
    }
    if (node.text === null) return null;
    const { text, unset, problem } = interpolate(node.text, this.#variables);
    if (problem !== null) {
      this.refuse(node.place, 'bad_variable', problem);
      return null;
    }
    for (const name of unset) this.note(node.place, `${name} has no value: nothing stands in its place.`);
    return text;
  }

  /** Read by a function that says null of what it does not understand. */
  value<T>(
    node: ComposeNode | undefined,
    what: string,
    { read, expected }: { readonly read: (text: string) => T | null; readonly expected: string },
  ): T | null {
    const text = this.text(node, what);
    if (text === null || node === undefined) return null;
    const value = read(text.trim());
    if (value === null) this.refuse(node.place, 'bad_value', `${what}: "${text.slice(0, 80)}" is not ${expected}.`);
    return value;
  }

  boolean(node: ComposeNode | undefined, what: string): boolean | null {
    const read = (text: string): boolean | null =>
      /^(?:true|yes|on)$/i.test(text) ? true : /^(?:false|no|off)$/i.test(text) ? false : null;
    return this.value(node, what, { read, expected: 'true or false' });
  }

  count(node: ComposeNode | undefined, what: string): number | null {
    const read = (text: string): number | null => (/^\d{1,9}$/.test(text) ? Number(text) : null);
    return this.value(node, what, { read, expected: 'a whole number' });
  }

  map(node: ComposeNode | undefined, what: string): ComposeMap | null {
    if (node === undefined || (node.kind === 'scalar' && node.text === null)) return null;
    if (node.kind === 'map') return node;
    this.refuse(node.place, 'bad_value', `${what} is a map: names, each with a value.`);
    return null;
  }

  items(node: ComposeNode | undefined, what: string): readonly ComposeNode[] {
    if (node === undefined || (node.kind === 'scalar' && node.text === null)) return [];
    if (node.kind === 'list') return node.items;
    this.refuse(node.place, 'bad_value', `${what} is a list: lines that begin with "-".`);
    return [];
  }

  texts(node: ComposeNode | undefined, what: string): readonly string[] {
    return this.items(node, what).flatMap((item) => this.text(item, what) ?? []);
  }

  /** A list of words, or a line that is split as a shell does; null: nothing, or an empty list. */
  command(node: ComposeNode | undefined, what: string): readonly string[] | null {
    const isLine = node?.kind === 'scalar';
    const words = isLine
      ? this.value(node, what, { read: wordsOf, expected: 'a command line: a quote is not closed' })
      : this.texts(node, what);
    return words === null || words.length === 0 ? null : words;
  }

  /** `NAME=value` lines, or a map; without a value, the variable of that name. */
  pairs(
    node: ComposeNode | undefined,
    what: string,
  ): ReadonlyMap<string, { readonly place: Place; readonly value: string | null }> {
    const found = new Map<string, { place: Place; value: string | null }>();
    if (node?.kind === 'list') {
      for (const item of node.items) {
        const text = this.text(item, what);
        if (text === null) continue;
        const at = text.indexOf('=');
        const name = at < 0 ? text : text.slice(0, at);
        found.set(name.trim(), { place: item.place, value: at < 0 ? null : text.slice(at + 1) });
      }
      return found;
    }
    for (const [name, { place, value }] of this.map(node, what)?.entries ?? []) {
      found.set(name, { place, value: this.text(value, `${what}.${name}`) });
    }
    return found;
  }

  /** Says of keys that nobody knows what was meant; `x-…` are everybody's own. */
  known(map: ComposeMap, what: string, keys: Iterable<string>): readonly (readonly [string, ComposeEntry])[] {
    const known = new Set(keys);
    return [...map.entries].filter(([key, { place }]) => {
      if (known.has(key)) return true;
      if (key.startsWith('x-')) return false;
      const meant = nearest(key, known);
      const hint = meant === null ? '' : ` Did you mean "${meant}"?`;
      this.refuse(place, 'unknown', `${what} has no "${key.slice(0, 64)}".${hint}`);
      return false;
    });
  }
}
