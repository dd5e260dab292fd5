/** `routes`, and `routes resolve`: what is served where, and why a URL goes where it goes. */
import type { Resolution, RouteConflict, RouteItem } from '../answers.ts';
import type { Items } from '../api.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { stateCell } from '../state-style.ts';

export const ROUTE_COMMANDS: readonly Command[] = [
  {
    name: 'routes',
    summary: 'Routes in force, and the conflicts among claims.',
    example: 'tide routes --app shop',
    run: routes,
  },
  {
    name: 'routes resolve',
    summary: 'Where a URL goes, and why.',
    arguments: [{ name: 'URL', summary: 'Such as https://shop.example.com/cart; shop.example.com/cart is enough.' }],
    example: 'tide routes resolve shop.localhost/cart',
    run: resolve,
  },
];

async function routes(call: Call): Promise<ExitCode> {
  const { api, output } = call;
  const list = (await api.list<RouteItem>('/v1/routes')) as Items<RouteItem> & { conflicts?: readonly RouteConflict[] };
  const app = call.option('app');
  const items = app === null ? list.items : list.items.filter((one) => one.app === app);
  if (call.json) {
    output.json({ ...list, items });
    return EXIT.ok;
  }
  const rows = items.map(({ hostname, path, strip, port, app: name, set, origin }) => {
    return [hostname, strip ? `${path} (taken off)` : path, name, set, port === null ? 'main' : String(port), origin];
  });
  if (rows.length === 0) output.note('There is no route.');
  else output.table(['HOSTNAME', 'PATH', 'APP', 'SET', 'PORT', 'FROM'], rows);
  for (const conflict of list.conflicts ?? []) output.note(conflictText(conflict));
  return EXIT.ok;
}

async function resolve(call: Call): Promise<ExitCode> {
  const { api, output } = call;
  const found = await api.get<Resolution>('/v1/routes/resolve', { url: call.word });
  if (call.json) {
    output.json(found);
    return EXIT.ok;
  }
  const { url, answer, route, state, upstream_path: path, nearest, why, conflicts, outcome } = found;
  output.facts({
    url,
    outcome,
    answer: stateCell(answer),
    route: route === null ? null : `${route.hostname}${route.path}`,
    set: route === null ? null : `${route.app}/${route.set}`,
    state: state === null ? null : stateCell(state),
    'asks for': path,
    'did you mean': nearest,
  });
  for (const step of why) output.line(`  ${step}`);
  for (const conflict of conflicts) output.note(conflictText(conflict));
  return EXIT.ok;
}

function conflictText({ hostname, path, holder, claimant }: RouteConflict): string {
  const named = (set: string | null): string => set ?? 'a set of another tenant';
  return `conflict: ${hostname}${path} is served by ${named(holder)}; ${named(claimant)} claims it in vain.`;
}
