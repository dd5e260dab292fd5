/**
 * Compose files (compose-spec.io) as sets of an app: services become sets of one container each, in an order in which
 * every set comes after those it depends on. What cannot be taken over is said with its line; nothing is left out silently.
 */
import { isName, nameFrom } from '#core/name';
import { nearest } from '#core/nearest';
import type { SetSpec } from '#core/set-spec';
import { type ComposeMap, type ComposeProblem, type Place, readTree } from './compose-node.ts';
import { type ComposeNote, ComposeReader } from './compose-reader.ts';
import { readService } from './service.ts';
import { readVolumeNames } from './service-volumes.ts';

const TEXT_MAX_BYTES = 1024 * 1024;
const SETS_MAX = 100;
const START: Place = { line: 1, column: 1 };
const TOP = ['services', 'volumes', 'networks', 'name', 'version', 'secrets', 'configs', 'include', 'models'];
const LEFT_OUT: Readonly<Record<string, string>> = {
  networks: 'all sets of an app share one network, where each answers to its name',
  secrets: '`tide secrets set` keeps them',
  configs: 'put them into the image, or under `environment`',
};

export interface ComposedSet {
  readonly name: string;
  readonly spec: SetSpec;
  /** Where the file says it, by JSON pointer into the set; `''`: the service. */
  readonly places: ReadonlyMap<string, Place>;
}

export interface Composition {
  /** Those that others depend on come first. */
  readonly sets: readonly ComposedSet[];
  /** What people should know: left out, or done in another way. */
  readonly notes: readonly ComposeNote[];
}

export type ComposeRead = Composition | { readonly problems: readonly ComposeProblem[] };

export interface ComposeOptions {
  /** For `${NAME}`; the environment of nobody is read. */
  readonly variables: ReadonlyMap<string, string>;
}

/** Pure; never throws, whatever the text. */
export function readCompose(text: string, { variables }: ComposeOptions): ComposeRead {
  if (Buffer.byteLength(text) > TEXT_MAX_BYTES) {
    return { problems: [{ ...START, code: 'too_large', detail: 'A compose file has 1 MiB at most.' }] };
  }
  const tree = readTree(text);
  if ('problems' in tree) return tree;
  const reader = new ComposeReader(variables);
  const sets = readFile(tree.root.kind === 'map' ? tree.root : null, reader);
  const byPlace = (a: Place, b: Place): number => a.line - b.line || a.column - b.column;
  if (reader.problems.length > 0) return { problems: reader.problems.toSorted(byPlace) };
  return { sets, notes: reader.notes.toSorted((a, b) => a.line - b.line) };
}

/** The line that says what a pointer points to, or stands around it. */
export function placeOf(places: ReadonlyMap<string, Place>, pointer: string): Place {
  for (let at = pointer; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const place = places.get(at);
    if (place !== undefined) return place;
  }
  return places.get('') ?? START;
}

function readFile(root: ComposeMap | null, reader: ComposeReader): readonly ComposedSet[] {
  if (root === null) {
    reader.refuse(START, 'bad_value', 'A compose file is a map with `services:`.');
    return [];
  }
  for (const [key, { place }] of reader.known(root, 'The file', TOP)) {
    const reason = LEFT_OUT[key];
    if (reason !== undefined) reader.note(place, `${key} is left out: ${reason}.`);
    if (key === 'include' || key === 'models') {
      reader.refuse(place, 'unsupported', `${key} is not followed: put all services into one file.`);
    }
  }
  const volumes = readVolumeNames(root.entries.get('volumes')?.value, reader);
  const services = servicesOf(root, reader);
  const depends = new Map([...services].map(([name, service]) => [name, dependsOf(name, service, services, reader)]));
  if (reader.problems.length === 0 && services.size === 0) {
    reader.refuse(root.place, 'missing', '`services:` is missing, or none of them is started without a profile.');
  }
  return inOrder(services, depends, reader).map((name) => {
    const service = services.get(name) as ComposeMap;
    return { name, ...readService(name, service, { reader, volumes, depends: depends.get(name) ?? [] }) };
  });
}

/** By name, each standing at the line of its name. */
type Services = ReadonlyMap<string, ComposeMap>;

function servicesOf(root: ComposeMap, reader: ComposeReader): Services {
  const services = new Map<string, ComposeMap>();
  for (const [name, { place, value }] of reader.map(root.entries.get('services')?.value, 'services')?.entries ?? []) {
    if (name.startsWith('x-')) continue;
    if (!isName(name)) {
      const better = nameFrom(name);
      const hint = better === null ? '' : ` Call it "${better}", here and wherever others reach it.`;
      reader.refuse(
        place,
        'bad_name',
        `"${name.slice(0, 64)}" cannot be the name of a set: a to z, 0 to 9 and "-".${hint}`,
      );
      continue;
    }
    const map = reader.map(value, name);
    if (map === null) {
      reader.refuse(place, 'missing', `${name} has no image.`);
      continue;
    }
    const profiles = map.entries.get('profiles');
    if (profiles !== undefined && reader.texts(profiles.value, `${name}.profiles`).length > 0) {
      reader.note(profiles.place, `${name} is left out: it is started with a profile alone.`);
    } else services.set(name, { ...map, place });
  }
  if (services.size <= SETS_MAX) return services;
  reader.refuse(root.place, 'too_large', `An app has ${SETS_MAX} sets at most; these are ${services.size}.`);
  return new Map();
}

function dependsOf(name: string, service: ComposeMap, services: Services, reader: ComposeReader): readonly string[] {
  const what = `${name}.depends_on`;
  const node = service.entries.get('depends_on')?.value;
  const wishes =
    node?.kind === 'list'
      ? node.items.map((item) => ({ other: reader.text(item, what) ?? '', place: item.place, facts: null }))
      : [...(reader.map(node, what)?.entries ?? [])].map(([other, { place, value }]) => {
          return { other, place, facts: reader.map(value, `${what}.${other}`) };
        });
  return wishes.flatMap(({ other, place, facts }) => {
    const given = (key: string) => facts?.entries.get(key)?.value;
    const condition = reader.text(given('condition'), `${what}.${other}.condition`) ?? 'service_started';
    if (condition === 'service_completed_successfully') {
      const detail = `${what}: sets run on; let ${other} do its work at the start of ${name}, or in its image.`;
      reader.refuse(place, 'unsupported', detail);
    } else if (condition !== 'service_started' && condition !== 'service_healthy') {
      reader.refuse(
        place,
        'bad_value',
        `${what}: "${condition.slice(0, 40)}" is not service_started or service_healthy.`,
      );
    }
    if (services.has(other)) return [other];
    if (reader.boolean(given('required'), `${what}.${other}.required`) === false) return [];
    const meant = nearest(other, services.keys());
    const hint = meant === null ? '' : ` Did you mean "${meant}"?`;
    reader.refuse(place, 'unknown', `${what}: there is no service "${other.slice(0, 64)}".${hint}`);
    return [];
  });
}

/** Every one after those it depends on, else as they are written. */
function inOrder(
  services: Services,
  depends: ReadonlyMap<string, readonly string[]>,
  reader: ComposeReader,
): readonly string[] {
  const done = new Set<string>();
  const visit = (name: string, way: readonly string[]): void => {
    if (done.has(name)) return;
    const at = way.indexOf(name);
    if (at >= 0) {
      const circle = [...way.slice(at), name].join(' \u2192 ');
      const place = services.get(name)?.entries.get('depends_on')?.place ?? START;
      reader.refuse(place, 'circular', `They depend on each other in a circle: ${circle}.`);
      return;
    }
    for (const other of depends.get(name) ?? []) visit(other, [...way, name]);
    done.add(name);
  };
  for (const name of services.keys()) visit(name, []);
  return [...done];
}
