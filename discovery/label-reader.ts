/**
 * Reads the labels of one container through their declarations. A bad value never throws: it is noted as a rejection
 * that names the label, the value, what was expected and the nearest good value.
 */
import { nearest } from '#core/nearest';
import {
  type DefaultedLabel,
  type ForeignLabel,
  isOfHeader,
  isPattern,
  type Label,
  type LabelScope,
  nameOf,
  PREFIX,
  patternOf,
} from './label.ts';
import { ALL_LABELS } from './labels.ts';
import { nearestValue } from './shape.ts';

/** Longest part of a value that a message repeats. */
const SHOWN_CHARACTERS = 100;
/** Stands for a value that is secret. */
const CONCEALED = '…';

export interface Rejection {
  /** As it stands on the container. */
  readonly label: string;
  /** Null: the label is missing where something is needed. */
  readonly value: string | null;
  readonly scope: LabelScope;
  readonly expected: string;
  /** The good value that was probably meant. */
  readonly nearest: string | null;
  /** All of the above, in words. */
  readonly message: string;
}

export interface UnknownLabel {
  readonly label: string;
  /** The label that was probably meant. */
  readonly nearest: string | null;
  readonly message: string;
}

interface Complaint {
  /** Name of the route or field whose label it is; null: a label of neither. */
  readonly route?: string | null;
  readonly value: string | null;
  readonly expected: string;
  readonly nearest?: string | null;
}

type Labels = Readonly<Record<string, string>>;

interface Declared {
  readonly pattern: RegExp;
  readonly label: Label;
}

const DECLARED: readonly Declared[] = ALL_LABELS.map((label) => ({ pattern: patternOf(label), label }));

export class LabelReader {
  readonly #labels: Labels;
  readonly #rejections = new Map<string, Rejection>();

  constructor(labels: Labels) {
    this.#labels = labels;
  }

  get rejections(): readonly Rejection[] {
    return [...this.#rejections.values()];
  }

  /** True when a label of this scope had to be rejected. */
  rejected(scope: LabelScope): boolean {
    return this.rejections.some((one) => one.scope === scope);
  }

  /** True when this label had to be rejected. */
  rejectedLabel(label: Label, route: string | null = null): boolean {
    return this.#rejections.has(nameOf(label, route));
  }

  /** The text of a label, or null when it is not given. A blank one is as good as none, as compose leaves them behind. */
  given(label: Label | ForeignLabel, route: string | null = null): string | null {
    const text = this.#labels['shape' in label ? nameOf(label, route) : label.name]?.trim();
    return text === undefined || text === '' ? null : text;
  }

  /** True when the label is there without a text: a variable that was not set, perhaps. */
  isBlank(label: Label): boolean {
    return this.#labels[nameOf(label, null)]?.trim() === '';
  }

  /** The value of a label: given, else its default. Null: neither, or the value is bad (and noted). */
  read<T>(label: Label<T>, route: string | null = null): T | null {
    const text = this.given(label, route) ?? label.default;
    if (text === null) return null;
    const parsed = label.shape.read(text);
    if (parsed !== null) return parsed.value;
    this.reject(label, {
      route,
      value: text,
      expected: label.shape.expectedIn?.(text) ?? label.shape.expected,
      nearest: nearestValue(label.shape, text),
    });
    return null;
  }

  /** Like `read` for a label that always has a value: its default stands in for a bad one. */
  readOrDefault<T>(label: DefaultedLabel<T>): T {
    const value = this.read(label);
    if (value !== null || !this.rejectedLabel(label)) return value as T;
    const fallback = label.shape.read(label.default);
    if (fallback === null) throw new Error(`${label.name} has a default that it does not accept`);
    return fallback.value;
  }

  /** Notes that a label cannot be followed. The first complaint about a label stands. */
  reject(label: Label, complaint: Complaint): void {
    const name = nameOf(label, complaint.route ?? null);
    if (this.#rejections.has(name)) return;
    const { expected } = complaint;
    const value = label.secret && complaint.value !== null ? CONCEALED : complaint.value;
    const meant = label.secret ? null : (complaint.nearest ?? null);
    const what = value === null ? `${name} is missing` : `${name}=${quoted(value)}`;
    const message = `${what}: expected ${expected}${meant === null ? '' : `; did you mean ${quoted(meant)}?`}`;
    this.#rejections.set(name, { label: name, value, scope: label.scope, expected, nearest: meant, message });
  }

  /** Names of the routes that have labels of their own, in alphabetical order. */
  routeNames(): readonly string[] {
    const names = new Set<string>();
    for (const label of Object.keys(this.#labels)) {
      const route = label.startsWith(PREFIX) ? routeOf(label) : null;
      if (route !== null) names.add(route);
    }
    return [...names].sort();
  }

  /** Names of the fields that a `<header>` label is given for, in alphabetical order. */
  headersOf(label: Label): readonly string[] {
    const pattern = patternOf(label);
    const names = Object.keys(this.#labels).map((name) => pattern.exec(name)?.[1] ?? '');
    return names.filter((name) => name !== '' && this.given(label, name) !== null).sort();
  }
}

/** Labels with our prefix that mean nothing. */
export function unknownLabels(labels: Labels): readonly UnknownLabel[] {
  const unknown: UnknownLabel[] = [];
  for (const label of Object.keys(labels).sort()) {
    if (!label.startsWith(PREFIX) || DECLARED.some(({ pattern }) => pattern.test(label))) continue;
    const meant = nearestLabel(label);
    const message = `${label} is not a label${meant === null ? '' : `; did you mean ${meant}?`}`;
    unknown.push({ label, nearest: meant, message });
  }
  return unknown;
}

/** True when a container carries any label of ours. */
export function carriesOurLabels(labels: Labels): boolean {
  return Object.keys(labels).some((label) => label.startsWith(PREFIX));
}

/** The name in a label of a named route, or null for every other label. */
function routeOf(label: string): string | null {
  for (const { pattern, label: declared } of DECLARED) {
    const route = isOfHeader(declared) ? undefined : pattern.exec(label)?.[1];
    if (route !== undefined) return route;
  }
  return null;
}

function nearestLabel(label: string): string | null {
  const word = label.slice(PREFIX.length).toLowerCase();
  const route = /^[^.]+\.([\w-]{1,40})\./.exec(word)?.[1] ?? null;
  const header = /^[^.]+\.[^.]+\.[^.]+\.(.+)$/.exec(word)?.[1] ?? null;
  const known: string[] = [];
  for (const one of ALL_LABELS) {
    const part = isOfHeader(one) ? header : route;
    if (!one.internal && (part !== null || !isPattern(one))) known.push(nameOf(one, part).slice(PREFIX.length));
  }
  const meant = nearest(word, known);
  return meant === null ? null : PREFIX + meant;
}

function quoted(value: string): string {
  return JSON.stringify(value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value);
}
