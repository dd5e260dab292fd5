/** Scripts with which shells complete commands and options, made of the table of commands. They ask no gateway. */
import { COMMON_OPTIONS, type Command } from './command.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export function completionFor(shell: Shell, commands: readonly Command[]): string {
  switch (shell) {
    case 'bash':
      return bash(commands);
    case 'zsh':
      // What it completes for bash, zsh completes as well.
      return `#compdef tide\nautoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`;
    case 'fish':
      return fish(commands);
  }
}

interface Group {
  readonly first: string;
  /** Second words; none: it is one command. */
  readonly seconds: readonly string[];
  readonly summary: string;
}

function groupsOf(commands: readonly Command[]): readonly Group[] {
  const firsts = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))];
  return firsts.map((first) => {
    const below = commands.filter(({ name }) => name.startsWith(`${first} `));
    const seconds = below.map(({ name }) => name.slice(first.length + 1));
    const own = commands.find(({ name }) => name === first);
    return { first, seconds, summary: own?.summary ?? `${seconds.join(', ')}.` };
  });
}

function optionsOf({ options = {} }: Command): string[] {
  return Object.entries({ ...options, ...COMMON_OPTIONS }).map(([name]) => `--${name}`);
}

function bash(commands: readonly Command[]): string {
  const groups = groupsOf(commands);
  const seconds = groups.filter((one) => one.seconds.length > 0);
  const two = commands.filter(({ name }) => name.includes(' '));
  const one = commands.filter(({ name }) => !name.includes(' '));
  const cases = [...two, ...one].map((command) => {
    // The longer name comes first, as when a command is looked up.
    const pattern = command.name.includes(' ') ? `"${command.name}"` : `"${command.name} "*`;
    return `      ${pattern}) words="${optionsOf(command).join(' ')}" ;;`;
  });
  return `${[
    '# Completion of tide.',
    '_tide() {',
    `  local cur="\${COMP_WORDS[COMP_CWORD]}" first="" second="" words="" word i`,
    '  for ((i = 1; i < COMP_CWORD; i++)); do',
    `    word="\${COMP_WORDS[i]}"`,
    '    case "$word" in -*) continue ;; esac',
    '    if [ -z "$first" ]; then first="$word"; elif [ -z "$second" ]; then second="$word"; fi',
    '  done',
    '  case "$cur" in',
    '    -*)',
    '      case "$first $second" in',
    ...cases,
    `      *) words="${optionsOf({ options: {} } as Command).join(' ')}" ;;`,
    '      esac',
    '      ;;',
    '    *)',
    '      if [ -z "$first" ]; then',
    `        words="${[...groups.map((group) => group.first), 'help'].join(' ')}"`,
    '      elif [ -z "$second" ]; then',
    '        case "$first" in',
    ...seconds.map((group) => `        ${group.first}) words="${group.seconds.join(' ')}" ;;`),
    '        esac',
    '      fi',
    '      ;;',
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$cur"))',
    '}',
    // Without an answer of its own it completes names of files.
    'complete -o default -F _tide tide',
  ].join('\n')}\n`;
}

function fish(commands: readonly Command[]): string {
  const lines = ['# Completion of tide.'];
  for (const { first, seconds, summary } of groupsOf(commands)) {
    lines.push(`complete -c tide -n __fish_use_subcommand -f -a ${first} -d ${quoted(summary)}`);
    const isNext = `__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${seconds.join(' ')}`;
    for (const second of seconds) {
      const about = commands.find(({ name }) => name === `${first} ${second}`)?.summary ?? '';
      lines.push(`complete -c tide -n ${quoted(isNext)} -f -a ${second} -d ${quoted(about)}`);
    }
  }
  for (const { name, options = {} } of commands) {
    const seen = name.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`);
    for (const [option, { short, value, summary }] of Object.entries(options)) {
      const shorter = short === undefined ? '' : ` -s ${short}`;
      const asks = value === undefined ? '' : ' -r';
      lines.push(
        `complete -c tide -n ${quoted(seen.join('; and '))} -l ${option}${shorter}${asks} -d ${quoted(summary)}`,
      );
    }
  }
  for (const [option, { short, value, summary }] of Object.entries(COMMON_OPTIONS)) {
    const shorter = short === undefined ? '' : ` -s ${short}`;
    lines.push(`complete -c tide -l ${option}${shorter}${value === undefined ? '' : ' -r'} -d ${quoted(summary)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** For fish: between single quotes only these two mean something. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
