/** What runs: `status`, `ps`, and `lease`, which keeps it running. */
import type { App, AppSet } from '../answers.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Cell } from '../output.ts';
import { stateCell } from '../state-style.ts';

/** Requests that are under way at a time. */
const PARALLEL = 8;

export const APP_COMMANDS: readonly Command[] = [
  {
    name: 'status',
    summary: 'Apps with their sets: state, tier, how many replicas are ready, and what stands against them.',
    notes: 'Without --app it shows all of them. A second table has the conditions of sets that do not hold, and why.',
    example: 'tide status --app shop',
    run: status,
  },
  {
    name: 'ps',
    summary: 'Replicas, and what they do now.',
    notes: 'Without --app it shows those of all apps.',
    example: 'tide ps --app shop',
    run: ps,
  },
  {
    name: 'lease',
    summary: 'Keeps every set of an app awake for a while, traffic or not.',
    arguments: [{ name: 'DURATION', summary: 'How long: 30s, 10m, 1h; at most 24h.' }],
    example: 'tide lease 30m --app shop',
    run: async (call) => {
      const { api, output } = call;
      const app = await call.app();
      const path = `/v1/apps/${encodeURIComponent(app)}/lease`;
      const lease = await api.json<{ app: string; ttl: string; until: string }>('POST', path, {
        body: { ttl: call.word },
      });
      if (call.json) output.json(lease);
      else output.line(`${lease.app} stays awake for ${lease.ttl}, until ${lease.until}.`);
      return EXIT.ok;
    },
  },
];

async function status(call: Call): Promise<ExitCode> {
  const { api, output } = call;
  const name = call.option('app');
  const one = name === null ? null : await api.get<App>(`/v1/apps/${encodeURIComponent(name)}`);
  const list = one === null ? await api.list<App>('/v1/apps') : { items: [one] };
  if (call.json) output.json(one ?? list);
  else if (list.items.length === 0)
    output.note('There is no app yet: `tide apps create` makes one, and the first labelled container does.');
  else {
    const rows = list.items.flatMap(({ name: app, sets }) =>
      sets.length === 0
        ? [[app, '', '', '', '', '']]
        : sets.map(({ name: set, state, tier, ready, replicas, hostnames }) => {
            return [app, set, stateCell(state), tier, `${ready}/${replicas}`, hostnames.join(', ')];
          }),
    );
    output.table(['APP', 'SET', 'STATE', 'TIER', 'READY', 'HOSTNAMES'], rows);
    const troubles = list.items.flatMap(({ name: app, sets }) => sets.flatMap((set) => troublesOf(call, app, set)));
    if (troubles.length > 0) output.table(['APP', 'SET', 'CONDITION', 'REASON', 'SINCE', 'MESSAGE'], troubles);
  }
  return EXIT.ok;
}

/** Conditions of a set that do not hold, one a row. */
function troublesOf(call: Call, app: string, { name, conditions }: App['sets'][number]): (string | Cell)[][] {
  return conditions
    .filter(({ status }) => status === 'False')
    .map(({ type, reason, message, since }) => {
      return [app, name, type, { text: reason, style: 'bad' }, call.moment(since), message];
    });
}

async function ps(call: Call): Promise<ExitCode> {
  const { api, output } = call;
  const given = call.option('app');
  const apps = given === null ? (await api.list<App>('/v1/apps')).items.map(({ name }) => name) : [given];
  const items: AppSet[] = [];
  for (let i = 0; i < apps.length; i += PARALLEL) {
    const some = apps.slice(i, i + PARALLEL).map((app) => api.list<AppSet>(`/v1/apps/${encodeURIComponent(app)}/sets`));
    for (const list of await Promise.all(some)) items.push(...list.items);
  }
  if (call.json) {
    output.json({ items });
    return EXIT.ok;
  }
  const rows = items.flatMap(({ app, name: set, replicas }) =>
    replicas.map(({ name, host, phase, tier, in_flight, started_at, unroutable }) => {
      const started = tier === 'stopped' || tier === 'sandbox' ? '–' : call.moment(started_at);
      return [app, set, name, stateCell(phase), tier, String(in_flight), host, started, unroutable ?? ''];
    }),
  );
  if (rows.length === 0) output.note('There is no replica.');
  else output.table(['APP', 'SET', 'REPLICA', 'PHASE', 'TIER', 'IN FLIGHT', 'HOST', 'STARTED', 'UNROUTABLE'], rows);
  return EXIT.ok;
}
