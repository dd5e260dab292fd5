/** The command line of `npm run load`: which scenarios, how long, and what of them. */
import { parseArgs } from 'node:util';
import { nearest } from '#core/nearest';

export interface LoadOptions {
  /** Names of scenarios, in the order they run. */
  readonly scenarios: readonly string[];
  /** Repetitions, whatever a scenario repeats (rounds, runs); null: as many as its goals are defined for. */
  readonly rounds: number | null;
  /** Length of a round, or of what a scenario lasts; null: its own. */
  readonly seconds: number | null;
  /** Cases, candidates or variants to take; null: all. */
  readonly only: ReadonlySet<string> | null;
  readonly list: boolean;
  /** Folder for results; null: beside the scenarios. */
  readonly results: string | null;
}

export type ParsedOptions =
  | { readonly ok: true; readonly options: LoadOptions }
  | { readonly ok: false; readonly problems: readonly string[] };

/** @param known names of all scenarios, in the order they run when none is named */
export function parseOptions(args: readonly string[], known: readonly string[]): ParsedOptions {
  const problems: string[] = [];
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    allowPositionals: true,
    strict: false,
    tokens: true,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      only: { type: 'string' },
      results: { type: 'string' },
      list: { type: 'boolean' },
    },
  });
  const flags = ['rounds', 'seconds', 'only', 'results', 'list'];
  for (const token of tokens) {
    if (token.kind !== 'option' || flags.includes(token.name)) continue;
    problems.push(`${token.rawName} is no option${didYouMean(token.name, flags, '--')}`);
  }
  for (const name of positionals) {
    if (!known.includes(name)) problems.push(`"${name}" is no scenario${didYouMean(name, known)}`);
  }
  const number = (name: 'rounds' | 'seconds', whole: boolean): number | null => {
    const given = values[name];
    if (given === undefined) return null;
    const value = Number(given);
    if (typeof given === 'string' && value > 0 && (!whole || Number.isInteger(value))) return value;
    problems.push(`--${name} takes a ${whole ? 'whole ' : ''}number above 0`);
    return null;
  };
  const words = (name: 'only' | 'results'): string | null => {
    const given = values[name];
    if (given === undefined) return null;
    if (typeof given === 'string' && given.trim() !== '') return given.trim();
    problems.push(`--${name} takes a value`);
    return null;
  };
  const only = words('only');
  const options: LoadOptions = {
    scenarios: positionals.length > 0 ? known.filter((name) => positionals.includes(name)) : known,
    rounds: number('rounds', true),
    seconds: number('seconds', false),
    only: only === null ? null : new Set(only.split(',').map((one) => one.trim())),
    list: values.list === true,
    results: words('results'),
  };
  return problems.length > 0 ? { ok: false, problems } : { ok: true, options };
}

function didYouMean(name: string, choices: readonly string[], before = ''): string {
  const meant = nearest(name, choices);
  return meant === null ? '' : `; did you mean ${before}${meant}?`;
}
