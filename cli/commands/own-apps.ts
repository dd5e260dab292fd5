/** Apps that are made through the API: `apps create`, `apps rm`, and `start`, `stop`, `restart`. */
import type { Operation, WishedApp } from '../app-answers.ts';
import { appPath, type Call } from '../call.ts';
import type { Command } from '../command.ts';
import { CommandFailure } from '../command-failure.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { follow, WAIT_OPTIONS } from '../following.ts';

const NAME = { name: 'NAME', summary: 'Name of the app.' } as const;
const FOUND = 200;

export const OWN_APP_COMMANDS: readonly Command[] = [
  {
    name: 'apps create',
    summary: 'Makes an app, without anything in it yet.',
    arguments: [NAME],
    options: { description: { type: 'string', value: 'TEXT', summary: 'What it is for.' } },
    example: 'tide apps create shop',
    run: create,
  },
  {
    name: 'apps rm',
    summary: 'Takes an app away with all its sets; its volumes only with --volumes.',
    arguments: [NAME],
    options: {
      volumes: { type: 'boolean', summary: 'Its data goes, too, for good.' },
      ...WAIT_OPTIONS,
    },
    example: 'tide apps rm shop --yes --wait',
    run: async (call) => {
      const { api, word } = call;
      const volumes = call.flag('volumes');
      await call.confirm(`Take the app ${word} away, with all its sets${volumes ? ' and their data' : ''}?`);
      const query = { volumes: volumes ? 'true' : null };
      return await follow(call, () => api.json<Operation>('DELETE', appPath(word), { query }));
    },
  },
  {
    name: 'stop',
    summary: 'Keeps all sets of an app down: requests are answered 503 until it is started.',
    example: 'tide stop --app shop',
    run: (call) => turn(call, 'stop', 'stays down until `tide start`'),
  },
  {
    name: 'start',
    summary: 'Lets the sets of an app come up again, as their scale says.',
    example: 'tide start --app shop',
    run: (call) => turn(call, 'start', 'comes up as its scale says'),
  },
  {
    name: 'restart',
    summary: 'Makes all replicas of an app anew, one after the other.',
    options: WAIT_OPTIONS,
    example: 'tide restart --app shop --wait',
    run: (call) => follow(call, async () => call.api.json<Operation>('POST', appPath(await call.app(), 'restart'))),
  },
];

async function create(call: Call): Promise<ExitCode> {
  const { api, output, json, word } = call;
  // PUT would make one that is there what is given, and so take its environment away.
  const { status } = await api.ask('GET', appPath(word));
  if (status === FOUND) {
    const fix = [`\`tide status --app ${word}\` shows it.`];
    throw new CommandFailure(`There is an app ${word} already.`, { exit: EXIT.conflict, fix });
  }
  const description = call.option('description');
  const body = description === null ? {} : { description };
  const app = await api.json<WishedApp>('PUT', appPath(word), { body });
  if (json) output.json(app);
  output.note(`The app ${app.name} is there; \`tide deploy --image IMAGE --app ${app.name}\` puts something in it.`);
  return EXIT.ok;
}

async function turn(call: Call, verb: string, outcome: string): Promise<ExitCode> {
  const { api, output, json } = call;
  const app = await api.json<WishedApp>('POST', appPath(await call.app(), verb));
  if (json) output.json(app);
  output.note(`${app.name} ${outcome}.`);
  return EXIT.ok;
}
