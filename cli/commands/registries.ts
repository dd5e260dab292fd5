/** `registries`: credentials for private images. A password comes in over stdin alone, and goes to the gateway and nowhere else. */
import { readRegistryHost } from '#core/registry-host';
import type { RegistryItem } from '../app-answers.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { CommandFailure, usageFailure } from '../command-failure.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { secret, textOfStdin } from '../questions.ts';

export const REGISTRY_COMMANDS: readonly Command[] = [
  {
    name: 'registries ls',
    summary: 'Registries that the tenant has credentials for; passwords are never shown.',
    example: 'tide registries ls',
    run: async (call) => {
      const { api, output, json } = call;
      const all = await api.get<{ readonly items: readonly RegistryItem[] }>('/v1/registries');
      if (json) output.json(all);
      else if (all.items.length === 0) output.note('There are no credentials yet: tide registries login HOST');
      else {
        output.table(
          ['REGISTRY', 'USERNAME', 'SET'],
          all.items.map(({ host, username, updated_at }) => [host, username, call.moment(updated_at)]),
        );
      }
      return EXIT.ok;
    },
  },
  {
    name: 'registries login',
    summary: 'Keeps credentials for a registry, the password encrypted; the registry is asked whether it takes them.',
    arguments: [{ name: 'HOST', summary: 'As in the names of its images; docker.io is Docker Hub.' }],
    options: { username: { type: 'string', short: 'u', value: 'NAME', summary: 'Who pulls.' } },
    notes:
      'The password, or the token that the registry wants as one, is read from stdin, or asked for: as an argument everybody on this machine could read it. One line end at its end is not part of it.',
    example: 'tide registries login registry.example:5000 -u robot < token.txt',
    run: login,
  },
  {
    name: 'registries rm',
    summary: 'Forgets credentials; images that revisions have stay theirs.',
    arguments: [{ name: 'HOST', summary: 'A registry.', many: true }],
    example: 'tide registries rm registry.example:5000',
    run: async ({ api, output, words }) => {
      for (const word of words) {
        const host = hostOf(word);
        await api.remove(registryPath(host));
        output.note(`The credentials for ${host} are forgotten.`);
      }
      return EXIT.ok;
    },
  },
];

async function login(call: Call): Promise<ExitCode> {
  const { api, output, json, world } = call;
  const host = hostOf(call.word);
  const username = call.option('username');
  if (username === null) throw usageFailure('registries login needs --username: who pulls.');
  const isAsked = world.stdin.isTTY === true;
  const written = isAsked ? await secret(`Password of ${username} at ${host}`, world) : await textOfStdin(world.stdin);
  if (written === null) {
    throw new CommandFailure('Nothing was kept.', { exit: world.interrupted.aborted ? EXIT.interrupted : EXIT.failed });
  }
  const password = written.replace(/\r?\n$/, '');
  if (password === '') {
    throw usageFailure('There is no password on stdin.', [`tide registries login ${host} -u ${username} < FILE`]);
  }
  const body = { username, password };
  const kept = await api.json<RegistryItem & { readonly login: string }>('PUT', registryPath(host), { body });
  if (json) output.json(kept);
  const isTried = kept.login === 'accepted';
  output.note(`${host} ${isTried ? 'takes them' : 'could not be asked'}; the credentials are kept.`);
  return EXIT.ok;
}

function hostOf(word: string): string {
  const host = readRegistryHost(word);
  if (host !== null) return host;
  throw usageFailure(`"${word}" is no registry, such as registry.example:5000 or docker.io.`);
}

function registryPath(host: string): string {
  return `/v1/registries/${encodeURIComponent(host)}`;
}
