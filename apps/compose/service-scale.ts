/** How many replicas a compose service has, and how much of the host each may take: `deploy`, `scale`, `cpus`, `mem_limit`. */
import type { ComposeMap } from './compose-node.ts';
import type { ComposeReader } from './compose-reader.ts';
import { composeBytes } from './quantities.ts';

const CPUS = {
  read: (text: string) => (/^\d{1,4}(?:\.\d{1,6})?$/.test(text) && Number(text) > 0 ? Number(text) : null),
  expected: 'a number of cores such as 0.5',
};
const SIZE = { read: composeBytes, expected: 'a size such as 512m or 1.5g' };
const DEPLOY_KEYS = ['replicas', 'resources', 'mode', 'labels', 'restart_policy', 'update_config', 'rollback_config'];
const LEFT_OUT_OF_DEPLOY: Readonly<Record<string, string>> = {
  labels: 'labels stand beside `deploy`',
  restart_policy: 'Tidegate starts replicas again that end',
  update_config: 'a deployment says how it is done, with --strategy',
  rollback_config: '`tide rollback` goes back',
  placement: 'Tidegate chooses the host',
  endpoint_mode: 'the gateway balances',
};

export interface ServiceScale {
  /** Null: nothing says it. */
  readonly replicas: number | null;
  /** Cores. */
  readonly cpu: number | null;
  /** Bytes. */
  readonly memory: number | null;
}

export function readScale(service: ComposeMap, name: string, reader: ComposeReader): ServiceScale {
  const given = (key: string) => service.entries.get(key)?.value;
  const own = {
    replicas: reader.count(given('scale'), `${name}.scale`),
    cpu: reader.value(given('cpus'), `${name}.cpus`, CPUS),
    memory: reader.value(given('mem_limit'), `${name}.mem_limit`, SIZE),
  };
  const what = `${name}.deploy`;
  const deploy = reader.map(given('deploy'), what);
  if (deploy === null) return own;
  const keys = [...DEPLOY_KEYS, ...Object.keys(LEFT_OUT_OF_DEPLOY)];
  for (const [key, { place, value }] of reader.known(deploy, what, keys)) {
    const reason = LEFT_OUT_OF_DEPLOY[key];
    if (reason !== undefined) reader.note(place, `${what}.${key} is left out: ${reason}.`);
    if (key === 'mode' && reader.text(value, `${what}.mode`) !== 'replicated') {
      reader.refuse(place, 'unsupported', `${what}.mode: replicas are counted (replicated), not one on each host.`);
    }
  }
  const resources = reader.map(deploy.entries.get('resources')?.value, `${what}.resources`);
  const reservations = resources?.entries.get('reservations');
  if (reservations !== undefined)
    reader.note(reservations.place, `${what}.resources.reservations is left out: only limits count.`);
  const limits = reader.map(resources?.entries.get('limits')?.value, `${what}.resources.limits`);
  const pids = limits?.entries.get('pids');
  if (pids !== undefined) reader.note(pids.place, `${what}.resources.limits.pids is left out: the Engine decides.`);
  const limit = (key: string) => limits?.entries.get(key)?.value;
  return {
    replicas: reader.count(deploy.entries.get('replicas')?.value, `${what}.replicas`) ?? own.replicas,
    cpu: reader.value(limit('cpus'), `${what}.resources.limits.cpus`, CPUS) ?? own.cpu,
    memory: reader.value(limit('memory'), `${what}.resources.limits.memory`, SIZE) ?? own.memory,
  };
}
