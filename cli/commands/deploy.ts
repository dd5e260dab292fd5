/** `deploy`: an image, a compose file, or what is there already, to a new revision that takes over when it has proved itself. */
import { nameFrom } from '#core/name';
import type { ComposeNote, ComposePreview, Operation, WishedSet } from '../app-answers.ts';
import { appPath, type Call, MAIN_SET } from '../call.ts';
import { partsOf } from '../comma-list.ts';
import type { Command } from '../command.ts';
import { CommandFailure, usageFailure } from '../command-failure.ts';
import { heldBy, STRATEGY_OPTION, type Step, stepsOf, strategyOf, variablesOf } from '../deploy-options.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { follow, operationOf, WAIT_OPTIONS } from '../following.ts';
import { textOfFile } from '../input-file.ts';

/** What the gateway does for a canary without steps of its own. */
const CANARY_HOLD_MS = 120_000;
const NOT_FOUND = 404;
const COMPOSE_NAME = /^name:[ \t]*["']?([A-Za-z0-9][\w.-]*)["']?[ \t]*(?:#.*)?$/m;
/** Strategies that have steps. */
const STEPPED: readonly string[] = ['canary', 'bluegreen'];
/** They say something about a set that is made by this. */
const OF_NEW_SETS = ['port', 'host'] as const;
/** What says how a deployment goes on from the one before: a set that is made has none. */
const OF_CHANGES = ['strategy', 'steps', 'members', 'ready-within', 'cause'] as const;
const OF_IMAGES = ['image', 'set', 'members', 'steps', 'ready-within', 'cause', ...OF_NEW_SETS] as const;

export const DEPLOY_COMMANDS: readonly Command[] = [
  {
    name: 'deploy',
    summary: 'Brings an app to a new revision: of an image, of a compose file, or of what was asked for last.',
    options: {
      file: {
        type: 'string',
        short: 'f',
        value: 'FILE',
        summary: 'A compose file for the whole app; - is stdin. Its `name:` is the app unless --app says another.',
      },
      image: {
        type: 'string',
        value: 'IMAGE',
        summary: 'The image of the first container of the set, or of the one of --members.',
      },
      set: {
        type: 'string',
        value: 'SETS',
        summary: 'The set; for --image its only one or web, otherwise all. Several are comma-separated.',
      },
      strategy: STRATEGY_OPTION,
      members: {
        type: 'string',
        value: 'INDICES',
        summary: 'Replace only these containers of every replica, such as 2 or 2,3; it means --strategy member.',
      },
      steps: {
        type: 'string',
        value: 'STEPS',
        summary:
          'Such as 10:1m,50:5m: percent of the traffic, and how long. It means --strategy canary; bluegreen keeps the old replicas so long.',
      },
      'ready-within': { type: 'string', value: 'DURATION', summary: 'How long new replicas may take to become ready.' },
      port: { type: 'string', value: 'PORT', summary: 'Of a set that is made by this: the port it listens on.' },
      host: { type: 'string', value: 'HOSTS', summary: 'Of a set that is made by this: where it answers.' },
      var: {
        type: 'string',
        value: 'NAME=VALUE',
        many: true,
        summary: 'For $NAME in the compose file; NAME alone is taken from the environment.',
      },
      'dry-run': {
        type: 'boolean',
        summary: 'For --file: check it, show its sets in their order, and change nothing.',
      },
      cause: { type: 'string', value: 'TEXT', summary: 'Why, for those who look later.' },
      ...WAIT_OPTIONS,
    },
    notes:
      'What serves goes on serving until the new revision is ready. Without --wait the id of the operation goes to stdout; with it, every set with its new revision. An app without sets gets the set web from --image. Without --image and --file it is what was asked for last, tried again.',
    example: 'tide deploy --image registry.example/shop:1.5 --app shop --wait',
    run: (call) => (call.option('file') === null ? deploySets(call) : deployFile(call, call.option('file') ?? '')),
  },
];

async function deployFile(call: Call, file: string): Promise<ExitCode> {
  const { api, output, json } = call;
  for (const name of OF_IMAGES) {
    if (call.flag(name)) throw usageFailure(`--${name} does not go with --file: the file says what is deployed.`);
  }
  const strategy = strategyOf(call);
  const variables = variablesOf(call);
  if (strategy === 'member') throw usageFailure('--strategy member does not go with --file: it needs --members.');
  const text = await textOfFile(file, call.world);
  const app = call.option('app') ?? nameFrom(COMPOSE_NAME.exec(text)?.[1] ?? '') ?? (await call.app());
  const body = { text, variables, ...(strategy === null ? {} : { strategy }) };
  const path = appPath(app, 'compose');
  const note = ({ line, detail }: ComposeNote): void => output.note(`${file}:${line}: ${detail}`);
  if (call.flag('dry-run')) {
    const preview = await api.json<ComposePreview>('POST', path, { body, query: { dry_run: 'true' } });
    if (json) output.json(preview);
    else {
      const rows = preview.sets.map(({ name, spec }) => [name, spec.containers.map((one) => one.image).join(', ')]);
      output.table(['SET', 'IMAGES'], rows);
      for (const one of preview.notes) note(one);
    }
    return EXIT.ok;
  }
  const begin = async () => {
    const begun = await api.json<Operation & { readonly notes: readonly ComposeNote[] }>('POST', path, { body });
    for (const one of begun.notes) note(one);
    return begun;
  };
  return await follow(call, begin, { holdMs: strategy === 'canary' ? CANARY_HOLD_MS : 0 });
}

async function deploySets(call: Call): Promise<ExitCode> {
  const { api } = call;
  if (call.options('var').length > 0) throw usageFailure('--var is for the variables of a compose file: give --file.');
  if (call.flag('dry-run')) throw usageFailure('--dry-run is for a compose file: give --file.');
  const image = call.option('image');
  const steps = stepsOf(call.option('steps'));
  const members = membersOf(call);
  const strategy = strategyFor(call, steps, members);
  const app = await call.app();
  const sets = partsOf(call.option('set'));
  if (image !== null && sets.length < 2) {
    const first = await firstSet(call, app, sets[0] ?? MAIN_SET);
    if (first !== null) return await makeSet(call, { app, set: first, image });
    if (sets.length === 0) sets.push(await call.set(app));
  }
  for (const name of OF_NEW_SETS) {
    if (!call.flag(name)) continue;
    throw usageFailure(`--${name} is for a set that is made by this; ${app} has its sets already.`, [
      '`tide sets show` writes a set as JSON, and `tide sets apply -f FILE` changes it.',
    ]);
  }
  const within = call.option('ready-within');
  const cause = call.option('cause');
  const body = {
    ...(sets.length === 0 ? {} : { sets }),
    ...(image === null ? {} : await imageFor(call, { app, sets, members, image })),
    ...(strategy === null ? {} : { strategy }),
    ...(steps.length === 0 ? {} : { steps }),
    ...(members.length === 0 ? {} : { members }),
    ...(within === null ? {} : { ready_within: within }),
    ...(cause === null ? {} : { cause }),
  };
  const begin = () => api.json<Operation>('POST', appPath(app, 'deployments'), { body });
  const holdMs = strategy === 'canary' && steps.length === 0 ? CANARY_HOLD_MS : heldBy(steps);
  return await follow(call, begin, { holdMs });
}

interface ImageWish {
  readonly app: string;
  readonly sets: readonly string[];
  readonly members: readonly number[];
  readonly image: string;
}

/** An image is that of the first container, or of the one member that is to be replaced. */
async function imageFor({ api }: Call, { app, sets, members, image }: ImageWish): Promise<object> {
  if (members.length === 0) return { image };
  const [set = MAIN_SET, ...otherSets] = sets;
  const [index, ...otherMembers] = members;
  if (otherSets.length + otherMembers.length > 0) throw usageFailure('--image goes to one member of one set.');
  const { spec } = await api.get<WishedSet>(appPath(app, 'sets', set, 'spec'));
  const known = spec.containers.find((one) => one.index === index);
  if (known !== undefined) return { containers: [{ ...known, image }] };
  const there = spec.containers.map((one) => `${one.index} (${one.name})`).join(', ');
  throw usageFailure(`--members: ${set} has no container ${index}; it has ${there}.`);
}

/** The set that an image makes: of an app that has none yet. Null: it has. */
async function firstSet({ api }: Call, app: string, set: string): Promise<string | null> {
  try {
    const { sets } = await api.get<{ readonly sets: readonly unknown[] }>(appPath(app));
    if (sets.length > 0) return null;
  } catch (error) {
    if (!(error instanceof CommandFailure) || error.exit !== EXIT.notFound) throw error;
    const { message, exit, code, details, fix } = error;
    throw new CommandFailure(message, { exit, code, details, fix: [...fix, `\`tide apps create ${app}\` makes it.`] });
  }
  // One that was asked for and has not come into force is there as well.
  const { status } = await api.ask('GET', appPath(app, 'sets', set, 'spec'));
  return status === NOT_FOUND ? set : null;
}

async function makeSet(call: Call, made: { readonly app: string; readonly set: string; readonly image: string }) {
  const { api, output, json } = call;
  const { app, set, image } = made;
  const port = call.count('port');
  const hosts = partsOf(call.option('host'));
  const body = {
    containers: [{ image }],
    ...(port === null ? {} : { port }),
    ...(hosts.length === 0 ? {} : { routes: hosts.map((host) => ({ host })) }),
  };
  return await follow(call, async () => {
    const wished = await api.json<WishedSet>('PUT', appPath(app, 'sets', set), { body });
    output.note(`${app} gets its set ${set}.`);
    const idle = OF_CHANGES.filter((name) => call.flag(name)).map((name) => `--${name}`);
    if (idle.length > 0) output.note(`${idle.join(', ')}: not for the first deployment of a set, and left out.`);
    if (wished.operation !== null) return await operationOf(call, wished.operation);
    if (json) output.json(wished);
    return null;
  });
}

function membersOf(call: Call): readonly number[] {
  return partsOf(call.option('members')).map((one) => {
    if (!/^\d{1,4}$/.test(one)) throw usageFailure(`--members: "${one}" is no index of a container.`);
    return Number(one);
  });
}

function strategyFor(call: Call, steps: readonly Step[], members: readonly number[]): string | null {
  const given = strategyOf(call);
  if (steps.length > 0 && given !== null && !STEPPED.includes(given)) {
    throw usageFailure('--steps goes with --strategy canary or bluegreen alone.');
  }
  if (members.length > 0 && given !== null && given !== 'member') {
    throw usageFailure('--members goes with --strategy member alone.');
  }
  if (steps.length > 0 && members.length > 0) throw usageFailure('--steps and --members do not go together.');
  if (given === 'member' && members.length === 0) {
    throw usageFailure('--strategy member needs --members: the indices of the containers to replace.');
  }
  return given ?? (steps.length > 0 ? 'canary' : members.length > 0 ? 'member' : null);
}
