/** Volumes of a compose service: named ones belong to the app, absolute paths are paths of the host. */
import type { ContainerOptions, VolumeMount } from '#core/set-spec';
import type { ComposeMap, ComposeNode, Place } from './compose-node.ts';
import type { ComposeReader } from './compose-reader.ts';

const OPTIONS = new Set(['ro', 'rw', 'z', 'Z', 'cached', 'delegated', 'consistent', 'nocopy']);

export interface ServiceVolumes {
  readonly volumes: readonly VolumeMount[];
  readonly binds: ContainerOptions['binds'];
}

/** Names of the volumes that the file declares. */
export function readVolumeNames(node: ComposeNode | undefined, reader: ComposeReader): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [name, { value }] of reader.map(node, 'volumes')?.entries ?? []) {
    if (name.startsWith('x-')) continue;
    names.add(name);
    const what = `volumes.${name}`;
    const facts = reader.map(value, what);
    if (facts === null) continue;
    for (const [key, entry] of reader.known(facts, what, ['name', 'external', 'driver', 'driver_opts', 'labels'])) {
      if (key === 'name') reader.note(entry.place, `${what}: it is a volume of the app; the name is not taken over.`);
      if (key === 'external' && reader.boolean(entry.value, `${what}.external`) !== false) {
        reader.refuse(entry.place, 'unsupported', `${what}: an app has volumes of its own, none from elsewhere.`);
      }
      if (key === 'driver_opts' || (key === 'driver' && reader.text(entry.value, `${what}.driver`) !== 'local')) {
        reader.refuse(entry.place, 'unsupported', `${what}: volumes are the Engine\u2019s own, without ${key}.`);
      }
    }
  }
  return names;
}

export function readVolumes(
  service: ComposeMap,
  name: string,
  { reader, known }: { readonly reader: ComposeReader; readonly known: ReadonlySet<string> },
): ServiceVolumes {
  const volumes: VolumeMount[] = [];
  const binds: ContainerOptions['binds'][number][] = [];
  const what = `${name}.volumes`;
  for (const node of reader.items(service.entries.get('volumes')?.value, what)) {
    const mount = node.kind === 'map' ? longMount(node, what, reader) : shortMount(node, what, reader);
    if (mount === null) continue;
    const { source, path, readonly } = mount;
    if (source.startsWith('/')) binds.push({ source, path, readonly });
    else if (/^[.~]/.test(source)) {
      const detail = `${what}: "${source.slice(0, 80)}" is a path beside the compose file, which is not on the host: name a volume.`;
      reader.refuse(node.place, 'unsupported', detail);
    } else if (known.has(source)) volumes.push({ name: source, path, readonly });
    else {
      const detail = `${what}: there is no volume "${source.slice(0, 80)}"; declare it under \`volumes:\` at the end of the file.`;
      reader.refuse(node.place, 'unknown', detail);
    }
  }
  return { volumes, binds };
}

interface Mount {
  readonly source: string;
  readonly path: string;
  readonly readonly: boolean;
}

function shortMount(node: ComposeNode, what: string, reader: ComposeReader): Mount | null {
  const text = reader.text(node, what);
  if (text === null) return null;
  const [source = '', path, options = '', ...more] = text.split(':');
  if (path === undefined) return nameless(node.place, what, reader);
  const words = options === '' ? [] : options.split(',');
  const odd = words.find((one) => !OPTIONS.has(one));
  if (more.length > 0 || source === '' || odd !== undefined) {
    reader.refuse(node.place, 'bad_value', `${what}: "${text.slice(0, 80)}" is not NAME:/PATH or NAME:/PATH:ro.`);
    return null;
  }
  return { source, path, readonly: words.includes('ro') };
}

function longMount(node: ComposeMap, what: string, reader: ComposeReader): Mount | null {
  const keys = ['type', 'source', 'target', 'read_only', 'volume', 'bind', 'consistency'];
  const given = new Map(reader.known(node, what, keys));
  const type = reader.text(given.get('type')?.value, `${what}.type`) ?? 'volume';
  if (type !== 'volume' && type !== 'bind') {
    reader.refuse(node.place, 'unsupported', `${what}: a mount is a volume or a bind, not a ${type.slice(0, 20)}.`);
    return null;
  }
  const subpath = reader.map(given.get('volume')?.value, `${what}.volume`)?.entries.get('subpath');
  if (subpath !== undefined) reader.refuse(subpath.place, 'unsupported', `${what}: a volume is mounted whole.`);
  const source = reader.text(given.get('source')?.value, `${what}.source`);
  const path = reader.text(given.get('target')?.value, `${what}.target`);
  if (path === null) {
    reader.refuse(node.place, 'missing', `${what}: target is missing, the path in the container.`);
    return null;
  }
  if (source === null) return nameless(node.place, what, reader);
  return { source, path, readonly: reader.boolean(given.get('read_only')?.value, `${what}.read_only`) ?? false };
}

function nameless(place: Place, what: string, reader: ComposeReader): null {
  reader.refuse(place, 'unsupported', `${what}: a volume needs a name, or its data is lost with the replica.`);
  return null;
}
