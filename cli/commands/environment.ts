/** `env` and `secrets` of an app. A secret comes in over stdin alone, and goes to the gateway and nowhere else. */
import type { EnvAnswer, SecretItem } from '../app-answers.ts';
import { appPath, type Call } from '../call.ts';
import type { Command } from '../command.ts';
import { CommandFailure, usageFailure } from '../command-failure.ts';
import { pairOf } from '../deploy-options.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { secret, textOfStdin } from '../questions.ts';

const LATER = 'In force with the next revision: `tide deploy`, or `tide restart`.';
const FROM_STDIN = '-';

export const ENVIRONMENT_COMMANDS: readonly Command[] = [
  {
    name: 'env ls',
    summary: 'The environment that all containers of an app get.',
    example: 'tide env ls --app shop',
    run: async (call) => {
      const { api, output, json } = call;
      const answer = await api.get<EnvAnswer>(appPath(await call.app(), 'env'));
      if (json) output.json(answer);
      else for (const [name, value] of Object.entries(answer.env)) output.line(`${name}=${value}`);
      return EXIT.ok;
    },
  },
  {
    name: 'env set',
    summary: 'Sets variables; the others stay.',
    notes: 'Everybody who may read the app may read them: what has to stay secret goes to `tide secrets set`.',
    arguments: [{ name: 'NAME=VALUE', summary: 'A variable.', many: true }],
    example: 'tide env set LOG_LEVEL=debug REGION=eu --app shop',
    run: (call) => {
      const pairs = call.words.map((word) => {
        const [name, value] = pairOf(word, 'env set');
        if (value === null) throw usageFailure(`"${name}" has no value: write ${name}=VALUE.`);
        return [name, value] as const;
      });
      return change(call, Object.fromEntries(pairs));
    },
  },
  {
    name: 'env unset',
    summary: 'Takes variables away.',
    arguments: [{ name: 'NAME', summary: 'A variable.', many: true }],
    example: 'tide env unset LOG_LEVEL --app shop',
    run: (call) => change(call, Object.fromEntries(call.words.map((name) => [name, null]))),
  },
  {
    name: 'secrets ls',
    summary: 'Names of the secrets of an app; what they hold is never shown.',
    example: 'tide secrets ls --app shop',
    run: async (call) => {
      const { api, output, json } = call;
      const all = await api.get<{ readonly items: readonly SecretItem[] }>(appPath(await call.app(), 'secrets'));
      if (json) output.json(all);
      else if (all.items.length === 0) output.note('There is no secret yet: tide secrets set NAME');
      else {
        output.table(
          ['SECRET', 'SET'],
          all.items.map(({ name, updated_at }) => [name, call.moment(updated_at)]),
        );
      }
      return EXIT.ok;
    },
  },
  {
    name: 'secrets set',
    summary: 'Keeps a secret, encrypted; containers get it as a variable.',
    arguments: [{ name: 'NAME', summary: 'What the variable is called; `NAME=-` says the same.' }],
    notes:
      'The value is read from stdin, or asked for: as an argument everybody on this machine could read it. One line end at its end is not part of it.',
    example: 'tide secrets set DATABASE_URL --app shop < database-url.txt',
    run: keepSecret,
  },
  {
    name: 'secrets unset',
    summary: 'Forgets secrets; containers that run keep them.',
    arguments: [{ name: 'NAME', summary: 'A secret.', many: true }],
    example: 'tide secrets unset DATABASE_URL --app shop',
    run: async (call) => {
      const app = await call.app();
      for (const name of call.words) {
        await call.api.remove(appPath(app, 'secrets', name));
        call.output.note(`${name} is forgotten. ${LATER}`);
      }
      return EXIT.ok;
    },
  },
];

async function change(call: Call, body: Readonly<Record<string, string | null>>): Promise<ExitCode> {
  const { api, output, json } = call;
  const answer = await api.json<EnvAnswer>('PATCH', appPath(await call.app(), 'env'), { body });
  if (json) output.json(answer);
  output.note(LATER);
  return EXIT.ok;
}

async function keepSecret(call: Call): Promise<ExitCode> {
  const { api, output, json, word, world } = call;
  const [name, given] = pairOf(word, 'secrets set');
  if (given !== null && given !== FROM_STDIN) {
    throw usageFailure(
      `The value of ${name} stands on the command line, where everybody on this machine can read it.`,
      [`tide secrets set ${name} < FILE`, 'Take it for known, and give another one.'],
    );
  }
  const app = await call.app();
  const isAsked = world.stdin.isTTY === true;
  const written = isAsked ? await secret(`Value of ${name}`, world) : await textOfStdin(world.stdin);
  if (written === null) {
    throw new CommandFailure('Nothing was kept.', { exit: world.interrupted.aborted ? EXIT.interrupted : EXIT.failed });
  }
  const value = written.replace(/\r?\n$/, '');
  if (value === '') {
    throw usageFailure(`There is no value for ${name} on stdin.`, [`tide secrets set ${name} < FILE`]);
  }
  const kept = await api.json<SecretItem>('PUT', appPath(app, 'secrets', name), { body: { value } });
  if (json) output.json(kept);
  output.note(`${name} is kept. ${LATER}`);
  return EXIT.ok;
}
