/** `exec`: runs a command in a container, as if it ran here. */
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { CommandFailure, usageFailure } from '../command-failure.ts';
import { runInTerminal } from '../exec-terminal.ts';
import { EXIT } from '../exit-codes.ts';
import { unreachable } from '../unreachable.ts';

export const EXEC_COMMANDS: readonly Command[] = [
  {
    name: 'exec',
    summary: 'Runs a command in a container of a set, and ends with its exit code.',
    arguments: [
      { name: 'SET', summary: 'The set.' },
      { name: 'CMD', summary: 'The program and its arguments, behind `--`; no shell reads them.', many: true },
    ],
    options: {
      interactive: { type: 'boolean', short: 'i', summary: 'Hand the input on.' },
      tty: { type: 'boolean', short: 't', summary: 'With a terminal.' },
      member: {
        type: 'string',
        value: 'MEMBER',
        summary: 'In this container of the replica; otherwise in the main one.',
      },
      replica: { type: 'string', value: 'REPLICA', summary: 'In this replica, by name or container id.' },
      user: { type: 'string', short: 'u', value: 'USER', summary: 'As this user of the container.' },
      workdir: { type: 'string', short: 'w', value: 'PATH', summary: 'In this folder of the container.' },
      wake: { type: 'boolean', summary: 'Wake the app first when nothing of the set runs.' },
    },
    notes: 'Ctrl-C, or the end of the connection, ends the command with everything that it began.',
    example: 'tide exec web -it -- sh',
    run: exec,
  },
];

async function exec(call: Call): Promise<number> {
  const { api, world, words, output } = call;
  const [set = '', ...command] = words;
  if (command.length === 0) throw usageFailure('CMD is missing: the program to run.');
  const tty = call.flag('tty');
  if (tty && world.stdin.isTTY !== true) throw usageFailure('--tty: the input is no terminal.', ['Leave -t out.']);
  const { columns, rows } = world.stdout;
  const path = `/v1/apps/${encodeURIComponent(await call.app())}/exec`;
  const { url } = await api.json<{ url: string }>('POST', path, {
    query: { wake: call.flag('wake') ? 'true' : null },
    body: {
      ...{ set, command, tty },
      ...optional({ member: call.option('member'), replica: call.option('replica') }),
      ...optional({ user: call.option('user'), workdir: call.option('workdir') }),
      ...(tty && columns && rows ? { cols: columns, rows } : {}),
    },
  });
  let status: Awaited<ReturnType<typeof runInTerminal>>;
  try {
    const socket = `${api.url.replace(/^http/, 'ws')}${url}`;
    status = await runInTerminal({ url: socket, world, input: call.flag('interactive'), tty });
  } catch (error) {
    throw unreachable(api.url, error);
  }
  if (world.interrupted.aborted) return EXIT.interrupted;
  if (status === null) {
    throw new CommandFailure('The connection to the command was lost, and the command ended with it.', {
      exit: EXIT.failed,
    });
  }
  if ('error' in status) {
    const { code, detail } = status.error;
    throw new CommandFailure(`The command could not be run: ${detail}`, { exit: EXIT.failed, code });
  }
  if (status.exit_code === null) output.note('The command has left its output, and was ended.');
  return status.exit_code ?? EXIT.failed;
}

function optional(fields: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
}
