/** Options that say how sets are brought to another revision, and what they come to in the words of the API. */
import { parseDuration } from '#core/duration';
import { nearest } from '#core/nearest';
import type { Call } from './call.ts';
import { partsOf } from './comma-list.ts';
import type { CommandOption } from './command.ts';
import { usageFailure } from './command-failure.ts';

const STRATEGIES = ['rolling', 'canary', 'bluegreen', 'recreate', 'member'] as const;
/** For those that go back to what was there before. */
const SIMPLE = ['rolling', 'bluegreen', 'recreate'] as const;

export const STRATEGY_OPTION: CommandOption = {
  type: 'string',
  value: 'STRATEGY',
  summary: `How traffic moves: ${STRATEGIES.join(', ')}; rolling when it is left out.`,
};

export const SIMPLE_STRATEGY_OPTION: CommandOption = {
  type: 'string',
  value: 'STRATEGY',
  summary: `How traffic moves: ${SIMPLE.join(', ')}; rolling when it is left out.`,
};

export const SET_OPTION: CommandOption = {
  type: 'string',
  value: 'SET',
  summary: 'The set; may be left out when there is one, or one called web.',
};

export interface Step {
  readonly weight: number;
  readonly hold: string;
}

/** Null: not given. */
export function strategyOf(call: Call, known: readonly string[] = STRATEGIES): string | null {
  const given = call.option('strategy');
  if (given === null || known.includes(given)) return given;
  const meant = nearest(given, known);
  throw usageFailure(`--strategy: "${given}" is none of ${known.join(', ')}.`, [
    ...(meant === null ? [] : [`Did you mean "${meant}"?`]),
  ]);
}

export function simpleStrategyOf(call: Call): string | null {
  return strategyOf(call, SIMPLE);
}

/** Of `10:1m,50:5m`. */
export function stepsOf(text: string | null): readonly Step[] {
  return partsOf(text).map((part) => {
    const [, weight, hold = ''] = /^(\d{1,3}(?:\.\d+)?)%?:(\S+)$/.exec(part) ?? [];
    if (weight === undefined || parseDuration(hold) === null) {
      throw usageFailure(`--steps: "${part}" is not such as 10:1m, percent of the traffic and how long it is watched.`);
    }
    return { weight: Number(weight), hold };
  });
}

/** Milliseconds that the steps hold altogether. */
export function heldBy(steps: readonly Step[]): number {
  return steps.reduce((sum, { hold }) => sum + (parseDuration(hold) ?? 0), 0);
}

/** Of `K=V`, or of `K` alone, which takes its value from the environment. */
export function variablesOf(call: Call): Readonly<Record<string, string>> {
  return Object.fromEntries(
    call.options('var').map((text) => {
      const [name, value] = pairOf(text, '--var');
      const known = value ?? call.world.env[name];
      if (known === undefined)
        throw usageFailure(`--var ${name}: it has no value, neither here nor in the environment.`);
      return [name, known];
    }),
  );
}

/** Of `K=V`; null: there is no `=`. The value is in no message. */
export function pairOf(text: string, what: string): readonly [name: string, value: string | null] {
  const at = text.indexOf('=');
  const name = at === -1 ? text : text.slice(0, at);
  if (name === '') throw usageFailure(`${what}: a name has to stand before the "=".`);
  return [name, at === -1 ? null : text.slice(at + 1)];
}
