/** One run of a command: what was written on the command line, and what the command needs to do it. */
import { parseDuration } from '#core/duration';
import type { Api } from './api.ts';
import { CommandFailure, usageFailure } from './command-failure.ts';
import { EXIT } from './exit-codes.ts';
import { momentText } from './moments.ts';
import type { Output } from './output.ts';
import { agrees } from './questions.ts';
import type { World } from './world.ts';

/** The set that is meant when none is named. */
export const MAIN_SET = 'web';

/** By name; of those that may be given more than once, all values. */
export type GivenOptions = ReadonlyMap<string, string | true | readonly string[]>;

export interface CallFacts {
  readonly words: readonly string[];
  readonly options: GivenOptions;
  readonly api: Api;
  readonly output: Output;
  readonly world: World;
}

export class Call {
  /** Arguments, without the words that name the command. */
  readonly words: readonly string[];
  readonly api: Api;
  readonly output: Output;
  readonly world: World;
  readonly #options: CallFacts['options'];

  constructor({ words, options, api, output, world }: CallFacts) {
    this.words = words;
    this.api = api;
    this.output = output;
    this.world = world;
    this.#options = options;
  }

  /** The first argument, which the table says is there. */
  get word(): string {
    return this.words[0] ?? '';
  }

  get json(): boolean {
    return this.flag('json');
  }

  flag(name: string): boolean {
    return this.#options.has(name);
  }

  option(name: string): string | null {
    const value = this.#options.get(name);
    return typeof value === 'string' ? value : null;
  }

  /** Of an option that may be given more than once, in order. */
  options(name: string): readonly string[] {
    const values = this.#options.get(name);
    return Array.isArray(values) ? values : [];
  }

  /** A whole number; null: not given. */
  count(name: string): number | null {
    const text = this.option(name);
    return text === null ? null : wholeNumber(text, `--${name}`);
  }

  /** Milliseconds of `30s`, `10m`, or of a bare number of seconds; null: not given. */
  duration(name: string): number | null {
    const text = this.option(name);
    if (text === null) return null;
    const ms = parseDuration(/^\d+$/.test(text) ? `${text}s` : text);
    if (ms === null) throw usageFailure(`--${name}: "${text}" is no duration such as 30s or 10m.`);
    return ms;
  }

  /** The app that is meant: `--app`, or the only one there is. */
  async app(): Promise<string> {
    const given = this.option('app');
    if (given !== null) return given;
    const { items } = await this.api.list<{ readonly name: string }>('/v1/apps');
    const [only, second] = items;
    if (only === undefined) {
      const fix = [
        '`tide apps create` makes one; one appears, too, with the first container that has the label tidegate.app.',
      ];
      throw new CommandFailure('There is no app yet.', { exit: EXIT.notFound, fix });
    }
    if (second === undefined) return only.name;
    const names = items.map(({ name }) => name).join(', ');
    throw usageFailure('There are several apps, and none was named.', [`Say which one with --app: ${names}.`]);
  }

  /** The set of an app that is meant: `--set`, the only one there is, or its `web`. */
  async set(app: string): Promise<string> {
    const given = this.option('set');
    if (given !== null) return given;
    const { sets } = await this.api.get<{ readonly sets: readonly { readonly name: string }[] }>(appPath(app));
    const names = sets.map(({ name }) => name);
    if (names.length <= 1 || names.includes(MAIN_SET)) return names.length === 1 ? (names[0] ?? MAIN_SET) : MAIN_SET;
    throw usageFailure(`${app} has several sets, and none was named.`, [
      `Say which one with --set: ${names.join(', ')}.`,
    ]);
  }

  /** Asks before something is lost. @throws CommandFailure unless the answer is yes */
  async confirm(question: string): Promise<void> {
    if (this.flag('yes')) return;
    if (this.world.stdin.isTTY !== true) {
      throw usageFailure(`${question} There is no terminal to ask at.`, ['Give --yes to do it.']);
    }
    if (await agrees(question, this.world)) return;
    throw new CommandFailure('Nothing was done.', { exit: EXIT.failed });
  }

  /** `3 minutes ago`. @param at RFC 3339 */
  moment(at: string | null | undefined): string {
    return momentText(at, this.world.clock.wall());
  }
}

export function appPath(app: string, ...below: readonly string[]): string {
  return ['/v1/apps', app, ...below].map((part, i) => (i === 0 ? part : encodeURIComponent(part))).join('/');
}

export function wholeNumber(text: string, what: string): number {
  if (!/^\d{1,9}$/.test(text)) throw usageFailure(`${what}: "${text}" is no whole number.`);
  return Number(text);
}
