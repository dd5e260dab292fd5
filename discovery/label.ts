/**
 * What a label is: its name, the shape of its value, its default, and what a bad value costs. A label is declared once
 * and read only through its declaration.
 */
import type { Shape } from './shape.ts';

/**
 * What a bad value of a label costs, from all to little:
 * `container`: the container is left out, for nobody knows whose it is;
 * `set`: the policy of the set keeps its last good form;
 * `replica`: the container takes no requests, and its policy is not followed;
 * `route`: that route keeps its last good form.
 */
export const LABEL_SCOPES = ['container', 'set', 'replica', 'route'] as const;
export type LabelScope = (typeof LABEL_SCOPES)[number];

export interface Label<T = unknown> {
  /** With `<name>` where the name of a route stands, `<header>` where that of a field does: `tidegate.route.<name>.port`. */
  readonly name: string;
  readonly scope: LabelScope;
  readonly shape: Shape<T>;
  /** As text that the shape reads; null: none, or one that depends (`otherwise` says on what). */
  readonly default: string | null;
  /** In words, what holds without the label where that is no value. */
  readonly otherwise: string | null;
  readonly meaning: string;
  readonly example: string;
  /** Written by Tidegate itself, not by people. */
  readonly internal: boolean;
  /** Its value is nobody's to read: no message and no event repeats it. */
  readonly secret: boolean;
}

/** A label that always has a value. */
export interface DefaultedLabel<T> extends Label<T> {
  readonly default: string;
}

/** A label of another tool that is read where ours says nothing. */
export interface ForeignLabel {
  readonly name: string;
  readonly meaning: string;
}

interface Words {
  readonly meaning: string;
  readonly example: string;
}

export const PREFIX = 'tidegate.';
const PLACE = /<(?:name|header)>/;
/** What may stand in the place of a name. */
const NAME_PATTERNS: Readonly<Record<string, string>> = { '<name>': '([\\w-]{1,40})', '<header>': '(.{1,64})' };

/** Declares the labels of one scope. */
export function labelsOf(scope: LabelScope): {
  readonly defaulted: <T>(name: string, shape: Shape<T>, fallback: string, words: Words) => DefaultedLabel<T>;
  readonly optional: <T>(name: string, shape: Shape<T>, otherwise: string | null, words: Words) => Label<T>;
} {
  const base = { scope, internal: false, secret: false, otherwise: null };
  return {
    defaulted: (name, shape, fallback, words) => ({ ...base, name: PREFIX + name, shape, default: fallback, ...words }),
    optional: (name, shape, otherwise, words) => ({
      ...base,
      name: PREFIX + name,
      shape,
      default: null,
      otherwise,
      ...words,
    }),
  };
}

/**
 * The name of a label as it stands on a container.
 * @param part name of the route or of the field it is about; null: the label is about neither
 */
export function nameOf(label: Label, part: string | null): string {
  return part === null ? label.name : label.name.replace(PLACE, () => part);
}

/** True when the label belongs to a named route or field. */
export function isPattern(label: Label): boolean {
  return PLACE.test(label.name);
}

/** True when the label belongs to a field. */
export function isOfHeader(label: Label): boolean {
  return label.name.endsWith('<header>');
}

/** Fits every name the label can have, and catches the part that varies. */
export function patternOf(label: Label): RegExp {
  const escaped = label.name.replaceAll('.', '\\.').replace(PLACE, (place) => NAME_PATTERNS[place] ?? place);
  return new RegExp(`^${escaped}$`);
}
