/** From the words after `tide` to a command with its arguments and options, or to what is wrong with them. Pure. */
import { parseArgs } from 'node:util';
import { nearest } from '#core/nearest';
import type { GivenOptions } from './call.ts';
import { COMMON_OPTIONS, type Command, type CommandOption } from './command.ts';

/** What an optional value may look like when it is not joined by `=`. */
const LOOSE_VALUE = /^\d+[a-z]*$/;
const HELP = 'help';

export type CommandLine =
  | {
      readonly kind: 'run';
      readonly command: Command;
      readonly words: readonly string[];
      readonly options: GivenOptions;
    }
  /** About a command, about all that begin with a word, or about everything. */
  | { readonly kind: 'help'; readonly topic: readonly string[] }
  | { readonly kind: 'version' }
  | { readonly kind: 'wrong'; readonly problem: string; readonly topic: readonly string[] };

type Options = Readonly<Record<string, CommandOption>>;

export function parseCommandLine(args: readonly string[], commands: readonly Command[]): CommandLine {
  const all: Options = Object.assign({}, COMMON_OPTIONS, ...commands.map((one) => one.options ?? {}));
  const { positionals, given } = parsed(args, all);
  const isAsked = given.some(({ name }) => name === HELP);
  if (positionals[0] === HELP) return helpFor(positionals.slice(1), commands);
  const command = commandOf(positionals, commands);
  if (command === null) {
    if (given.some(({ name }) => name === 'version')) return { kind: 'version' };
    return positionals.length === 0 || isAsked ? helpFor(positionals, commands) : unknown(positionals, commands);
  }
  const topic = command.name.split(' ');
  if (isAsked) return { kind: 'help', topic };
  const known: Options = { ...COMMON_OPTIONS, ...command.options };
  // Its own options alone count now: -f is a file to one command and to follow for another.
  const own = parsed(args, known);
  const words = own.positionals.slice(topic.length);
  const options = new Map<string, string | true | readonly string[]>();
  for (const { name, rawName, value, inlineValue } of own.given) {
    const problem = optionProblem({ name, rawName, value, inlineValue }, known);
    if (problem !== null) return { kind: 'wrong', problem, topic };
    const before = options.get(name);
    if (known[name]?.many === true) options.set(name, [...(Array.isArray(before) ? before : []), value ?? '']);
    else options.set(name, value ?? true);
  }
  const problem = wordsProblem(command, words) ?? missingOption(command, options);
  return problem === null ? { kind: 'run', command, words, options } : { kind: 'wrong', problem, topic };
}

function parsed(args: readonly string[], known: Options) {
  const { positionals, tokens } = parseArgs({
    args: withValues(args, known),
    options: { ...shapes(known), version: { type: 'boolean' } },
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  return { positionals, given: tokens.filter((token) => token.kind === 'option') };
}

/** The command with the longest name that the words begin with. */
function commandOf(words: readonly string[], commands: readonly Command[]): Command | null {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(' ');
    const found = commands.find((one) => one.name === name);
    if (found !== undefined) return found;
  }
  return null;
}

function helpFor(topic: readonly string[], commands: readonly Command[]): CommandLine {
  if (topic.length === 0) return { kind: 'help', topic };
  const command = commandOf(topic, commands);
  if (command !== null) return { kind: 'help', topic: command.name.split(' ') };
  const [group = ''] = topic;
  return isGroup(group, commands) ? { kind: 'help', topic: [group] } : unknown(topic, commands);
}

function isGroup(word: string, commands: readonly Command[]): boolean {
  return commands.some(({ name }) => name.startsWith(`${word} `));
}

function unknown([first = '', second]: readonly string[], commands: readonly Command[]): CommandLine {
  if (isGroup(first, commands)) {
    const below = commands.flatMap(({ name }) => (name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : []));
    const one = `One of ${below.join(', ')} has to follow`;
    const problem =
      second === undefined ? `${one} "${first}".` : `${none(`${first} ${second}`, second, below)} ${one}.`;
    return { kind: 'wrong', problem, topic: [first] };
  }
  const firsts = new Set([...commands.map(({ name }) => name.split(' ')[0] ?? ''), HELP]);
  return { kind: 'wrong', problem: none(first, first, firsts), topic: [] };
}

function none(command: string, word: string, known: Iterable<string>): string {
  const meant = nearest(word, known);
  return `There is no command "${command}".${meant === null ? '' : ` Did you mean "${meant}"?`}`;
}

interface GivenOption {
  readonly name: string;
  /** As it was written. */
  readonly rawName: string;
  readonly value: string | undefined;
  /** Whether the value was joined by `=`, or to the short form. */
  readonly inlineValue: boolean | undefined;
}

function optionProblem({ name, rawName, value, inlineValue }: GivenOption, known: Options): string | null {
  const option = Object.hasOwn(known, name) ? known[name] : undefined;
  if (option === undefined) {
    const meant = nearest(name, Object.keys(known));
    return `There is no option ${rawName} here.${meant === null ? '' : ` Did you mean --${meant}?`}`;
  }
  if (option.type === 'boolean') return value === undefined ? null : `${rawName} takes no value.`;
  const isNext = value !== undefined && value !== '-' && value.startsWith('-') && inlineValue !== true;
  return value === undefined || isNext ? `${rawName} needs a value: ${option.value}.` : null;
}

function wordsProblem({ arguments: taken = [] }: Command, words: readonly string[]): string | null {
  const missing = taken.find(({ optional }, index) => optional !== true && words[index] === undefined);
  if (missing !== undefined) return `${missing.name} is missing: ${missing.summary}`;
  const surplus = taken.at(-1)?.many === true ? undefined : words[taken.length];
  return surplus === undefined ? null : `"${surplus}" is one argument too many.`;
}

function missingOption({ options = {} }: Command, given: ReadonlyMap<string, unknown>): string | null {
  const missing = Object.entries(options).find(([name, { required }]) => required === true && !given.has(name));
  return missing === undefined ? null : `--${missing[0]} is missing: ${missing[1].summary}`;
}

/** Options whose value may be left out get one, which `parseArgs` asks for. */
function withValues(args: readonly string[], options: Options): string[] {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  const whole: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    const bare = i < end && arg.startsWith('--') ? options[arg.slice(2)]?.ifBare : undefined;
    if (bare === undefined) whole.push(arg);
    else if (LOOSE_VALUE.test(args[i + 1] ?? '')) whole.push(`${arg}=${args[++i]}`);
    else whole.push(`${arg}=${bare}`);
  }
  return whole;
}

function shapes(options: Options): Record<string, { type: 'boolean' | 'string'; short?: string }> {
  return Object.fromEntries(
    Object.entries(options).map(([name, { type, short }]) => [name, short === undefined ? { type } : { type, short }]),
  );
}
