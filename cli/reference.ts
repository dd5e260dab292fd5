/** The reference of the command line for docs/cli.md, made of the table of commands. */
import { COMMON_OPTIONS, type Command, type CommandOption, optionText, usageOf } from './command.ts';
import { COMMANDS } from './command-table.ts';
import { exits } from './help.ts';

const LEAD = `\`tide\` asks the admin API of a Tidegate and shows what it says. \`npm install\` brings it into a clone: \`npx tide status\`
there, or \`npm link\` once, and \`tide status\` anywhere. \`tide help <command>\` says what stands here.

Data goes to stdout, progress and errors go to stderr. With \`--json\` stdout holds the JSON of the API, lists as \`{"items":[…]}\`
with all their pages; \`tide events -f --json\` writes one event a line. Ages are in words, nothing is cut, and there are no
colours unless stdout is a terminal and \`NO_COLOR\` is unset. What is lost for good is asked about first; where nobody is there
to answer, \`--yes\` has to be given.

An answer that is no success is shown with its title, its code, what is at fault, and a line \`fix: …\` for everything that can be
done about it.`;

const GATEWAY = `\`TIDEGATE_URL\` is the address of the admin API; without it, \`http://127.0.0.1:9900\`. The token is the first of these:

1. \`TIDEGATE_TOKEN\`
2. what \`tide login\` has kept for this URL, in \`\${XDG_CONFIG_HOME:-~/.config}/tidegate/credentials.json\` (0600)
3. for the default URL alone, \`operator.token\` in the state directory (\`TIDEGATE_DATA\`, else \`./.tidegate\`)

A token is never written to the terminal, to a log or into an error. The certificate of a gateway behind TLS is checked;
\`NODE_EXTRA_CA_CERTS\` names a file with an authority of your own.`;

/** Markdown, without the note on where it comes from. */
export function cliReference(): string {
  return `${[
    '# Command line',
    LEAD,
    '## Which gateway, and as whom',
    GATEWAY,
    '## Exit codes',
    table(['code', 'meaning'], exits()),
    '## Options of every command',
    optionTable(COMMON_OPTIONS),
    '## Commands',
    ...COMMANDS.flatMap(commandParts),
  ].join('\n\n')}\n`;
}

function commandParts(command: Command): string[] {
  const { name, summary, notes, arguments: taken = [], options = {}, example } = command;
  const rows = taken.map((one) => [`\`${one.name}\``, one.summary]);
  return [
    `### tide ${name}`,
    notes === undefined ? summary : `${summary} ${notes}`,
    ...(usageOf(command) === example ? [] : [`\`${usageOf(command)}\``]),
    ...(rows.length === 0 ? [] : [table(['argument', 'meaning'], rows)]),
    ...(Object.keys(options).length === 0 ? [] : [optionTable(options)]),
    `\`\`\`sh\n${example}\n\`\`\``,
  ];
}

function optionTable(options: Readonly<Record<string, CommandOption>>): string {
  const rows = Object.entries(options).map(([name, option]) => [`\`${optionText(name, option)}\``, option.summary]);
  return table(['option', 'meaning'], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
