/** `revisions`, `rollback`, and `traffic`, which splits requests among revisions. */
import type { Operation, RevisionItem, Traffic, TrafficMatch } from '../app-answers.ts';
import { appPath, type Call, wholeNumber } from '../call.ts';
import { partsOf } from '../comma-list.ts';
import type { Command } from '../command.ts';
import { usageFailure } from '../command-failure.ts';
import { SET_OPTION, SIMPLE_STRATEGY_OPTION, simpleStrategyOf } from '../deploy-options.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { follow, WAIT_OPTIONS } from '../following.ts';

const NONE = 'none';
const SWITCH = ['on', 'off'];

export const REVISION_COMMANDS: readonly Command[] = [
  {
    name: 'revisions',
    summary: 'Revisions of a set that can be gone back to, the newest first.',
    options: { set: SET_OPTION },
    example: 'tide revisions --app shop',
    run: revisions,
  },
  {
    name: 'rollback',
    summary: 'Goes back to the revision before, or to one that is named; nothing is pulled.',
    arguments: [{ name: 'REVISION', summary: 'Such as r2; left out: the one before.', optional: true }],
    options: { set: SET_OPTION, strategy: SIMPLE_STRATEGY_OPTION, ...WAIT_OPTIONS },
    example: 'tide rollback r2 --app shop --wait',
    run: rollback,
  },
  {
    name: 'traffic',
    summary: 'How the traffic of a set is split among its revisions.',
    options: { set: SET_OPTION },
    example: 'tide traffic --app shop',
    run: async (call) => {
      const app = await call.app();
      return show(call, await call.api.get<Traffic>(appPath(app, 'sets', await call.set(app), 'traffic')));
    },
  },
  {
    name: 'traffic set',
    summary: 'Splits the traffic of a set, until somebody says otherwise.',
    arguments: [{ name: 'WEIGHTS', summary: 'Such as r2=10,r1=90; left out: as they are.', optional: true }],
    options: {
      set: SET_OPTION,
      match: {
        type: 'string',
        value: 'MATCH',
        many: true,
        summary: 'header:NAME=VALUE:REVISION or cookie:NAME=VALUE:REVISION sends such requests there; none: no more.',
      },
      sticky: {
        type: 'string',
        value: 'on|off',
        ifBare: 'on',
        summary: 'Whether a visitor stays on the revision that was chosen for him.',
      },
    },
    notes: 'What is left out stays as it is; matches that are given take the place of those there were.',
    example: 'tide traffic set r2=10,r1=90 --match header:x-beta=1:r2 --sticky',
    run: split,
  },
];

async function revisions(call: Call): Promise<ExitCode> {
  const { api, output, json } = call;
  const app = await call.app();
  const all = await api.list<RevisionItem>(appPath(app, 'sets', await call.set(app), 'revisions'));
  if (json) output.json(all);
  else if (all.items.length === 0) output.note('There is no revision yet.');
  else {
    const rows = all.items.map(({ name, current, images, created_at, by, cause }) => {
      const state = current ? ({ text: 'in force', style: 'good' } as const) : '';
      return [name, state, images.map((one) => one.reference).join(', '), call.moment(created_at), by, cause];
    });
    output.table(['REVISION', 'STATE', 'IMAGES', 'MADE', 'BY', 'WHY'], rows);
  }
  return EXIT.ok;
}

async function rollback(call: Call): Promise<ExitCode> {
  const { api, words } = call;
  const [revision] = words;
  const strategy = simpleStrategyOf(call);
  const app = await call.app();
  const body = {
    set: await call.set(app),
    ...(revision === undefined ? {} : { revision }),
    ...(strategy === null ? {} : { strategy }),
  };
  return await follow(call, () => api.json<Operation>('POST', appPath(app, 'rollback'), { body }));
}

async function split(call: Call): Promise<ExitCode> {
  const { api, words } = call;
  const given = targetsOf(words[0] ?? null);
  const wanted = matchesOf(call.options('match'));
  const sticky = call.option('sticky');
  if (sticky !== null && !SWITCH.includes(sticky)) throw usageFailure('--sticky is on or off.');
  if (given.length === 0 && wanted === null && sticky === null) {
    throw usageFailure('There is nothing to change.', ['tide traffic set r2=10,r1=90']);
  }
  const app = await call.app();
  const path = appPath(app, 'sets', await call.set(app), 'traffic');
  const now = await api.get<Traffic>(path);
  const body = {
    targets: given.length === 0 ? now.targets : given,
    match: wanted ?? now.match,
    sticky: sticky === null ? now.sticky : sticky === 'on',
  };
  return show(call, await api.json<Traffic>('PUT', path, { body }));
}

function show({ output, json }: Call, traffic: Traffic): ExitCode {
  const { targets, match, sticky } = traffic;
  if (json) output.json(traffic);
  else if (targets.length === 0) output.note('No revision is in force yet.');
  else {
    output.table(
      ['REVISION', 'WEIGHT'],
      targets.map(({ revision, weight }) => [revision, String(weight)]),
    );
    for (const one of match) {
      const what = one.header === undefined ? `cookie ${one.cookie}` : `header ${one.header}`;
      output.line(`${what} = ${one.value}: ${one.revision}`);
    }
    if (sticky) output.line('sticky: a visitor stays on the revision that was chosen for him');
  }
  return EXIT.ok;
}

function targetsOf(text: string | null): Traffic['targets'] {
  return partsOf(text).map((part) => {
    const [revision = '', weight, ...more] = part.split('=');
    if (revision === '' || weight === undefined || more.length > 0) {
      throw usageFailure(`"${part}" is not such as r2=10.`);
    }
    return { revision, weight: wholeNumber(weight.replace(/%$/, ''), revision) };
  });
}

/** Null: none were given. A value may hold both `=` and `:`. */
function matchesOf(given: readonly string[]): readonly TrafficMatch[] | null {
  if (given.length === 0) return null;
  if (given.includes(NONE)) return [];
  return given.map((text) => {
    const [, kind, name = '', value = '', revision = ''] = /^(header|cookie):([^=]+)=(.*):([^:]+)$/.exec(text) ?? [];
    if (kind === 'header') return { header: name, value, revision };
    if (kind === 'cookie') return { cookie: name, value, revision };
    throw usageFailure(`--match: "${text}" is not such as header:x-beta=1:r2 or cookie:beta=1:r2.`);
  });
}
