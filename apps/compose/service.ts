/** One service of a compose file as a set of one container. */
import { type Healthcheck, NO_OPTIONS, type SetSpec } from '#core/set-spec';
import type { ComposeEntry, ComposeMap, ComposeNode, Place } from './compose-node.ts';
import type { ComposeReader } from './compose-reader.ts';
import { composeDuration } from './quantities.ts';
import { LEFT_OUT, REFUSED, TAKEN } from './service-keys.ts';
import { readLabels } from './service-labels.ts';
import { readPorts } from './service-ports.ts';
import { readScale } from './service-scale.ts';
import { readVolumes } from './service-volumes.ts';

const PULL: Readonly<Record<string, SetSpec['pull']>> = {
  always: 'always',
  missing: 'missing',
  if_not_present: 'missing',
  never: 'never',
};
const TIME = { read: composeDuration, expected: 'a time such as 30s or 1m30s' };
const HEALTH_KEYS = ['test', 'interval', 'timeout', 'retries', 'start_period', 'start_interval', 'disable'];
/** Those of compose, which are the Engine's own. */
const HEALTH_DEFAULTS = { intervalMs: 30_000, timeoutMs: 30_000, retries: 3, startPeriodMs: 0 };

export interface ServiceRead {
  readonly spec: SetSpec;
  /** By JSON pointer into the set, as far as a line of the file says it. */
  readonly places: ReadonlyMap<string, Place>;
}

export interface ServiceFacts {
  readonly reader: ComposeReader;
  /** Volumes that the file declares. */
  readonly volumes: ReadonlySet<string>;
  /** Sets that it depends on. */
  readonly depends: readonly string[];
}

/** Of a service with problems only the problems count, which the reader has. */
export function readService(name: string, service: ComposeMap, facts: ServiceFacts): ServiceRead {
  const { reader, volumes: known, depends } = facts;
  tellOfOthers(name, service, reader);
  const given = (key: string): ComposeNode | undefined => service.entries.get(key)?.value;
  const text = (key: string): string | null => reader.text(given(key), `${name}.${key}`) || null;
  const texts = (key: string): readonly string[] => reader.texts(given(key), `${name}.${key}`);
  const yes = (key: string): boolean | null => reader.boolean(given(key), `${name}.${key}`);
  const ports = readPorts(service, name, reader);
  const { volumes, binds } = readVolumes(service, name, { reader, known });
  const scale = readScale(service, name, reader);
  const labels = readLabels(service, name, { reader, ports, volumes, depends, replicas: scale.replicas });
  const graceMs = reader.value(given('stop_grace_period'), `${name}.stop_grace_period`, TIME);
  const spec: SetSpec = {
    class: labels.class,
    containers: [
      {
        index: 1,
        name: 'main',
        image: imageOf(name, service, reader),
        options: {
          ...NO_OPTIONS,
          env: readEnvironment(service, name, reader),
          command: reader.command(given('command'), `${name}.command`),
          entrypoint: reader.command(given('entrypoint'), `${name}.entrypoint`),
          user: text('user'),
          workdir: text('working_dir'),
          volumes,
          healthcheck: readHealthcheck(service, name, reader),
          init: yes('init') ?? NO_OPTIONS.init,
          readonlyRoot: yes('read_only') ?? false,
          stopSignal: text('stop_signal'),
          stopTimeoutS: graceMs === null ? null : Math.ceil(graceMs / 1000),
          capabilities: texts('cap_add'),
          privileged: yes('privileged') ?? false,
          binds,
          devices: texts('devices'),
        },
      },
    ],
    resources: { cpu: scale.cpu, memory: scale.memory },
    volume: null,
    sysctls: Object.fromEntries(
      [...reader.pairs(given('sysctls'), `${name}.sysctls`)].map(([key, { value }]) => [key, value ?? '']),
    ),
    sharePids: false,
    hostNamespaces: namespacesOf(name, service, reader),
    publish: ports.publish,
    links: [],
    pull: pullOf(name, given('pull_policy'), reader),
    labels: labels.labels,
  };
  return { spec, places: placesOf(service) };
}

/** Says what is left out, and what cannot be. */
function tellOfOthers(name: string, service: ComposeMap, reader: ComposeReader): void {
  const keys = [...Object.keys(TAKEN), ...Object.keys(LEFT_OUT), ...Object.keys(REFUSED)];
  for (const [key, { place }] of reader.known(service, name, keys)) {
    const reason = REFUSED[key];
    if (reason !== undefined) reader.refuse(place, 'unsupported', `${name}.${key} cannot be taken over: ${reason}.`);
    else if (LEFT_OUT[key] !== undefined) reader.note(place, `${name}.${key} is left out: ${LEFT_OUT[key]}.`);
  }
}

function imageOf(name: string, service: ComposeMap, reader: ComposeReader): string {
  const build = service.entries.get('build');
  const image = reader.text(service.entries.get('image')?.value, `${name}.image`)?.trim() ?? '';
  if (image !== '') {
    if (build !== undefined) reader.note(build.place, `${name}.build is left out: ${image} is pulled.`);
    return image;
  }
  const detail =
    build === undefined
      ? `${name} has no image.`
      : `${name}.build: nothing is built here; build the image, push it, and name it under \`image\`.`;
  if (reader.problems.length === 0 || build !== undefined || !service.entries.has('image')) {
    reader.refuse(build?.place ?? service.place, build === undefined ? 'missing' : 'unsupported', detail);
  }
  return '';
}

function readEnvironment(service: ComposeMap, name: string, reader: ComposeReader): Record<string, string> {
  const given = reader.pairs(service.entries.get('environment')?.value, `${name}.environment`);
  const found = [...given].flatMap(([key, { value }]) => {
    // Without a value it is that of whoever deploys, and none where he has none.
    const text = value ?? reader.variable(key);
    return text === null ? [] : [[key, text] as const];
  });
  return Object.fromEntries(found);
}

function readHealthcheck(service: ComposeMap, name: string, reader: ComposeReader): Healthcheck | null {
  const what = `${name}.healthcheck`;
  const entry = service.entries.get('healthcheck');
  const map = reader.map(entry?.value, what);
  if (map === null || entry === undefined) return null;
  const given = new Map(reader.known(map, what, HEALTH_KEYS));
  const time = (key: string): number | null => reader.value(given.get(key)?.value, `${what}.${key}`, TIME);
  const startInterval = given.get('start_interval');
  if (startInterval !== undefined) reader.note(startInterval.place, `${what}.start_interval is left out.`);
  const test = testOf(given.get('test'), what, reader);
  if (test === null || reader.boolean(given.get('disable')?.value, `${what}.disable`) === true) {
    reader.note(entry.place, `${what}: what the image says holds; the gateway probes the port besides.`);
    return null;
  }
  return {
    test,
    intervalMs: time('interval') ?? HEALTH_DEFAULTS.intervalMs,
    timeoutMs: time('timeout') ?? HEALTH_DEFAULTS.timeoutMs,
    retries: reader.count(given.get('retries')?.value, `${what}.retries`) ?? HEALTH_DEFAULTS.retries,
    startPeriodMs: time('start_period') ?? HEALTH_DEFAULTS.startPeriodMs,
  };
}

/** Null: there is none, or it says that there is to be none. */
function testOf(entry: ComposeEntry | undefined, what: string, reader: ComposeReader): readonly string[] | null {
  if (entry === undefined) return null;
  if (entry.value.kind === 'scalar') {
    const line = reader.text(entry.value, `${what}.test`);
    return line === null ? null : ['CMD-SHELL', line];
  }
  const [first, ...rest] = reader.texts(entry.value, `${what}.test`);
  if (first === 'CMD' && rest.length > 0) return rest;
  if (first === 'CMD-SHELL' && rest.length === 1) return ['CMD-SHELL', ...rest];
  if (first !== 'NONE') {
    reader.refuse(
      entry.value.place,
      'bad_value',
      `${what}.test is one line, or a list that begins with CMD or CMD-SHELL.`,
    );
  }
  return null;
}

function namespacesOf(name: string, service: ComposeMap, reader: ComposeReader): SetSpec['hostNamespaces'] {
  const kinds = { network_mode: 'network', pid: 'pid', ipc: 'ipc' } as const;
  return Object.entries(kinds).flatMap(([key, namespace]) => {
    const entry = service.entries.get(key);
    const mode = reader.text(entry?.value, `${name}.${key}`);
    if (mode === null || entry === undefined) return [];
    if (mode === 'host') return [namespace];
    const isUsual =
      (key === 'network_mode' && mode === 'bridge') || (key === 'ipc' && /^(?:private|shareable)$/.test(mode));
    if (!isUsual) {
      reader.refuse(
        entry.value.place,
        'unsupported',
        `${name}.${key}: a set has namespaces of its own, or the host\u2019s with "host".`,
      );
    }
    return [];
  });
}

function pullOf(name: string, node: ComposeNode | undefined, reader: ComposeReader): SetSpec['pull'] {
  const read = (text: string): SetSpec['pull'] | null => PULL[text] ?? null;
  return reader.value(node, `${name}.pull_policy`, { read, expected: 'always, missing or never' }) ?? 'missing';
}

const POINTERS: Readonly<Record<string, string>> = {
  image: '/containers/0/image',
  environment: '/containers/0/options/env',
  command: '/containers/0/options',
  user: '/containers/0/options/user',
  working_dir: '/containers/0/options/workdir',
  healthcheck: '/containers/0/options/health',
  stop_signal: '/containers/0/options/stop_signal',
  stop_grace_period: '/containers/0/options/stop_timeout',
  cap_add: '/containers/0/options/capabilities',
  privileged: '/containers/0/options/privileged',
  devices: '/containers/0/options/devices',
  sysctls: '/sysctls',
  network_mode: '/host_namespaces',
  pid: '/host_namespaces',
  ipc: '/host_namespaces',
  ports: '/publish',
  cpus: '/resources/cpu',
  mem_limit: '/resources/memory',
  labels: '/labels',
};

function placesOf(service: ComposeMap): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>([['', service.place]]);
  for (const [key, pointer] of Object.entries(POINTERS)) {
    const entry = service.entries.get(key);
    if (entry === undefined) continue;
    places.set(pointer, entry.place);
    const parts = entry.value.kind === 'map' ? entry.value.entries : [];
    for (const [name, { place }] of parts) places.set(`${pointer}/${name}`, place);
    for (const item of entry.value.kind === 'list' ? entry.value.items : []) {
      const [name = ''] = item.kind === 'scalar' ? (item.text ?? '').split('=') : [];
      if (['environment', 'sysctls', 'labels'].includes(key)) places.set(`${pointer}/${name.trim()}`, item.place);
    }
  }
  const mounts = service.entries.get('volumes');
  if (mounts !== undefined) {
    places.set('/containers/0/options/volumes', mounts.place);
    places.set('/containers/0/options/binds', mounts.place);
  }
  const deploy = service.entries.get('deploy');
  if (deploy !== undefined && !places.has('/resources/cpu')) places.set('/resources', deploy.place);
  return places;
}
