/** What `tide help` says, made of the table of commands. */
import { COMMON_OPTIONS, type Command, type CommandOption, optionText, usageOf } from './command.ts';
import { EXIT, EXIT_MEANINGS } from './exit-codes.ts';
import { DEFAULT_URL } from './gateway-url.ts';

const GAP = '  ';

/** @param topic words that begin the name of a command; none: all of them */
export function helpText(topic: readonly string[], commands: readonly Command[]): string {
  const name = topic.join(' ');
  const command = commands.find((one) => one.name === name);
  const below = commands.filter((one) => one.name.startsWith(`${name} `));
  if (command === undefined && below.length > 0) return groupText(name, below);
  return command === undefined
    ? overview(commands)
    : `${commandText(command)}${below.length > 0 ? `\n${groupText(name, below)}` : ''}`;
}

export function overview(commands: readonly Command[]): string {
  return [
    'tide: the command line of Tidegate\n\n',
    `Usage: tide <command> [arguments] [options]\n\nCommands:\n${summaries(commands)}\n`,
    `Options of every command:\n${options(COMMON_OPTIONS)}\n`,
    `Environment:\n${rows([
      ['TIDEGATE_URL', `Where the admin API is; ${DEFAULT_URL} when left out.`],
      [
        'TIDEGATE_TOKEN',
        'The token; else that of `tide login`, else the one in ./.tidegate of a gateway started here.',
      ],
      ['NO_COLOR', 'No colours, whatever it says.'],
    ])}\n`,
    `Exit codes:\n${rows(exits())}\n`,
    '`tide help <command>` says more about one of them.\n',
  ].join('');
}

export function exits(): [code: string, meaning: string][] {
  return Object.entries(EXIT).map(([name, code]) => [String(code), EXIT_MEANINGS[name as keyof typeof EXIT]]);
}

function commandText(command: Command): string {
  const { summary, arguments: taken = [], options: own = {}, example, notes } = command;
  const words = taken.map(({ name, summary: about }) => [name, about] as const);
  return [
    `${summary}${notes === undefined ? '' : `\n${notes}`}\n\nUsage: ${usageOf(command)}\n\n`,
    words.length === 0 ? '' : `Arguments:\n${rows(words)}\n`,
    `Options:\n${options({ ...own, ...COMMON_OPTIONS })}\n`,
    `Example:\n${GAP}${example}\n`,
  ].join('');
}

function groupText(name: string, commands: readonly Command[]): string {
  return `tide ${name} …\n\nCommands:\n${summaries(commands)}\n\`tide help ${name} <command>\` says more about one of them.\n`;
}

function summaries(commands: readonly Command[]): string {
  return rows(commands.map(({ name, summary }) => [name, summary]));
}

function options(all: Readonly<Record<string, CommandOption>>): string {
  return rows(Object.entries(all).map(([name, option]) => [optionText(name, option), option.summary]));
}

function rows(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([first]) => first.length));
  return pairs.map(([first, second]) => `${GAP}${first.padEnd(width)}${GAP}${second}\n`).join('');
}
