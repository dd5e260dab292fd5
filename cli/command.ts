/** One command, as the table holds it: help, usage errors and docs/cli.md are made of what stands here. */
import type { Call } from './call.ts';

export interface CommandArgument {
  /** In capitals: `HOST`. */
  readonly name: string;
  readonly summary: string;
  readonly optional?: true;
  /** Takes all that are left; only the last one can. */
  readonly many?: true;
}

export interface CommandOption {
  readonly type: 'boolean' | 'string';
  readonly short?: string;
  /** What its value is called: `SECONDS`. */
  readonly value?: string;
  /** The value it has when it is given without one. */
  readonly ifBare?: string;
  readonly required?: true;
  /** May be given more than once; each counts. */
  readonly many?: true;
  readonly summary: string;
}

export interface Command {
  /** One word, or two: `domains add`. */
  readonly name: string;
  readonly summary: string;
  readonly arguments?: readonly CommandArgument[];
  /** By name, without dashes. An option that several commands have is of the same type in all of them, so that it may stand before the command. */
  readonly options?: Readonly<Record<string, CommandOption>>;
  readonly example: string;
  /** What people should know besides, in whole sentences. */
  readonly notes?: string;
  /** Of EXIT; a command that runs another ends with what that one ended with. */
  readonly run: (call: Call) => Promise<number>;
}

/** Every command takes these. */
export const COMMON_OPTIONS: Readonly<Record<string, CommandOption>> = {
  app: { type: 'string', short: 'a', value: 'APP', summary: 'The app; may be left out when there is exactly one.' },
  tenant: { type: 'string', value: 'TENANT', summary: 'Act for this tenant (operators).' },
  json: { type: 'boolean', summary: 'Write the API\'s JSON; lists as {"items":[…]}.' },
  yes: { type: 'boolean', short: 'y', summary: 'Ask no question.' },
  help: { type: 'boolean', short: 'h', summary: 'Say what the command does, and do nothing.' },
};

/** `tide scale SET[=COUNT]… [--min COUNT]`, without the options that every command takes. */
export function usageOf({ name, arguments: taken = [], options = {} }: Command): string {
  const words = taken.map(({ name: word, optional, many }) => {
    const shown = many ? `${word}…` : word;
    return optional ? `[${shown}]` : shown;
  });
  const named = Object.entries(options).map(([option, facts]) => {
    const shown = optionText(option, facts);
    const all = facts.many ? `${shown}…` : shown;
    return facts.required ? all : `[${all}]`;
  });
  return ['tide', name, ...words, ...named].join(' ');
}

/** `-f, --follow`, `--wait[=SECONDS]`, `--set SET`. */
export function optionText(name: string, { short, value, ifBare }: CommandOption): string {
  const shorter = short === undefined ? '' : `-${short}, `;
  const longer = value === undefined ? '' : ifBare === undefined ? ` ${value}` : `[=${value}]`;
  return `${shorter}--${name}${longer}`;
}
