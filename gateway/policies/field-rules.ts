/**
 * `tidegate.headers.…`: fields that are set or removed on one side. Compiled once: a request costs one walk over its lines.
 */
import type { HeaderRules } from '#core/edge-policy';
import type { FieldLines } from '../http1/field-lines.ts';
import { addFields, dropFields } from './head-edits.ts';

export class FieldRules {
  readonly #drop: ReadonlySet<string>;
  /** A flat list of name, value, … */
  readonly added: readonly string[];

  constructor(rules: HeaderRules) {
    const names = [...rules.remove, ...rules.set.map(([name]) => name)];
    this.#drop = new Set(names.map((name) => name.toLowerCase().replaceAll('_', '-')));
    this.added = rules.set.flat();
  }

  /** Whether there is nothing to do. */
  get isEmpty(): boolean {
    return this.#drop.size === 0;
  }

  edit(lines: FieldLines): void {
    dropFields(lines, this.#drop);
    addFields(lines, this.added);
  }
}
