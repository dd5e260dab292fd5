/** Who asks: `login`, `logout`, `whoami`. A token comes in over stdin alone, and is checked before it is kept. */
import type { Me } from '../answers.ts';
import { Api } from '../api.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { CommandFailure, usageFailure } from '../command-failure.ts';
import { checkedToken, credentialsFile, keepToken } from '../credentials.ts';
import { EXIT } from '../exit-codes.ts';
import { secret, textOfStdin } from '../questions.ts';

export const ACCESS_COMMANDS: readonly Command[] = [
  {
    name: 'login',
    summary: 'Keeps a token for the gateway at TIDEGATE_URL, after it was checked.',
    notes: 'The token is read from stdin, or asked for; it is kept in a file that only you can read.',
    example: 'tide login < .tidegate/operator.token',
    run: login,
  },
  {
    name: 'logout',
    summary: 'Forgets the token for the gateway at TIDEGATE_URL.',
    example: 'tide logout',
    run: async ({ api, output, world }) => {
      const file = credentialsFile(world);
      const changed = keepToken(api.url, null, world);
      output.note(changed ? `${file} holds no token for ${api.url} any more.` : `No token is kept for ${api.url}.`);
      return EXIT.ok;
    },
  },
  {
    name: 'whoami',
    summary: 'Who the token stands for, and what it may do.',
    example: 'tide whoami',
    run: async ({ api, output, json }) => {
      const me = await api.get<Me>('/v1/me');
      if (json) output.json(me);
      else {
        output.facts({
          ...{ token: me.id, name: me.name, role: me.role, scopes: me.scopes.join(', '), tenant: me.tenant },
          apps: me.resources.map((one) => one.slice('app:'.length)).join(', '),
          'used from': me.cidrs.join(', '),
          expires: me.expires_at,
          ...{ url: api.url, from: api.credential?.from },
        });
      }
      return EXIT.ok;
    },
  },
];

async function login(call: Call): Promise<typeof EXIT.ok> {
  const { api, output, world, json } = call;
  const { stdin, fetch, clock, interrupted } = world;
  const written = stdin.isTTY === true ? await secret(`Token for ${api.url}`, world) : await textOfStdin(stdin);
  const text = written?.trim() ?? '';
  if (text === '') {
    const exit = written === null ? EXIT.interrupted : EXIT.failed;
    if (stdin.isTTY === true) throw new CommandFailure('Nothing was kept.', { exit });
    throw usageFailure('There is no token on stdin.', ['tide login < .tidegate/operator.token']);
  }
  const credential = { token: checkedToken(text, 'stdin'), from: 'stdin' };
  const asker = new Api({ url: api.url, credential, tenant: call.option('tenant'), fetch, clock, interrupted });
  const me = await asker.get<Me>('/v1/me');
  keepToken(api.url, credential.token, world);
  if (json) output.json(me);
  output.note(`Logged in to ${api.url} as ${me.id} (${me.role ?? 'no role'}); kept in ${credentialsFile(world)}.`);
  if (world.env.TIDEGATE_TOKEN) output.note('TIDEGATE_TOKEN is set, and goes before it.');
  return EXIT.ok;
}
