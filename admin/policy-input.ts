/**
 * Routes and policy as JSON, and as the labels they are kept as: key by key the same words, `scale.min` in JSON is
 * `tidegate.scale.min`. A label that is a name of others as well (`wake`, `wake.timeout`) has its own value under `value`.
 */
import { z } from '@hono/zod-openapi';
import { ALL_LABELS } from '#discovery/labels';

const PREFIX = 'tidegate.';
/**
 * Who it is, which the path says, and what the deployment decides. Hosts and named routes are not among them, though
 * routes have a list of their own: sets that came from a compose file say them as labels do.
 */
const NOT_POLICY = new Set(['enable', 'tenant', 'app', 'set', 'revision', 'weight', 'clone', 'class', 'port']);
const OWN_VALUE = 'value';

const scalar = z.union([z.string(), z.number(), z.boolean()]);

/** First words of policy labels, each with what its labels mean. */
const GROUPS: ReadonlyMap<string, string> = groups();

function groups(): ReadonlyMap<string, string> {
  const found = new Map<string, string[]>();
  for (const { name, meaning, internal } of ALL_LABELS) {
    const path = name.slice(PREFIX.length);
    const group = path.split('.')[0] ?? '';
    if (internal || NOT_POLICY.has(group)) continue;
    found.set(group, [...(found.get(group) ?? []), `\`${path}\`: ${meaning}`]);
  }
  return new Map([...found].map(([group, lines]) => [group, lines.join(' ')]));
}

export const RouteInput = z
  .strictObject({
    host: z.union([z.string(), z.array(z.string())]).openapi({ example: 'shop.example.com' }),
    path: z.string().optional(),
    strip: z.boolean().optional(),
    port: z.number().int().min(1).max(65_535).optional(),
  })
  .openapi('RouteSpec');

type PolicyValue = string | number | boolean | readonly (string | number)[] | { readonly [key: string]: PolicyValue };

/** Properties of a set's schema for all of its policy. */
export const POLICY_SHAPE: Readonly<Record<string, z.ZodType>> = Object.fromEntries(
  [...GROUPS].map(([group, description]) => [
    group,
    z
      .union([scalar, z.array(z.union([z.string(), z.number()])), z.record(z.string(), z.unknown())])
      .optional()
      .openapi({ description }),
  ]),
);

export interface LabelledInput {
  readonly labels: Record<string, string>;
  /** Of each label where it came from, as a JSON pointer. */
  readonly pointers: Map<string, string>;
}

/** @param body what the schema let through */
export function labelsFrom(body: Readonly<Record<string, unknown>>): LabelledInput {
  const labels: Record<string, string> = {};
  const pointers = new Map<string, string>();
  const put = (path: string, pointer: string, value: unknown): void => {
    if (value === null || value === undefined) return;
    if (typeof value === 'object' && !Array.isArray(value)) {
      for (const [key, part] of Object.entries(value)) {
        const below = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        put(key === OWN_VALUE ? path : `${path}.${key}`, below, part);
      }
      return;
    }
    const label = PREFIX + path;
    labels[label] = Array.isArray(value) ? value.join(',') : String(value);
    pointers.set(label, pointer);
  };
  for (const group of GROUPS.keys()) put(group, `/${group}`, body[group]);
  put('port', '/port', body.port);
  put('class', '/class', body.class);
  const routes = Array.isArray(body.routes) ? (body.routes as z.output<typeof RouteInput>[]) : [];
  for (const [i, { host, path, strip, port }] of routes.entries()) {
    put(`route.r${i}.host`, `/routes/${i}/host`, host);
    put(`route.r${i}.path`, `/routes/${i}/path`, path);
    put(`route.r${i}.path.strip`, `/routes/${i}/strip`, strip);
    put(`route.r${i}.port`, `/routes/${i}/port`, port);
  }
  return { labels, pointers };
}

/** The JSON that {@link labelsFrom} makes these labels of. */
export function labelsJson(labels: Readonly<Record<string, string>>): Record<string, unknown> {
  const json: Record<string, PolicyValue> = {};
  const routes: Record<string, unknown>[] = [];
  for (const [label, value] of Object.entries(labels)) {
    const path = label.slice(PREFIX.length);
    const route = /^route\.r(\d+)\.(.+)$/.exec(path);
    if (route !== null) {
      const key = route[2] === 'path.strip' ? 'strip' : (route[2] ?? '');
      const plain = key === 'strip' ? value === 'true' : key === 'port' ? Number(value) : value;
      const at = Number(route[1]);
      routes[at] = { ...routes[at], [key]: plain };
      continue;
    }
    if (path === 'port') json.port = Number(value);
    else if (path !== 'class') place(json, path, typed(label, value));
  }
  return { ...json, ...(routes.length > 0 ? { routes: routes.filter((one) => one !== undefined) } : {}) };
}

const SHAPES = new Map(ALL_LABELS.map(({ name, shape }) => [name, shape]));

/** A number or a switch as what it is in JSON, where the same text comes of it again. */
function typed(label: string, text: string): PolicyValue {
  const read = SHAPES.get(label)?.read(text);
  if (read === undefined || read === null) return text;
  const { value } = read;
  const isPlain = typeof value === 'number' || typeof value === 'boolean';
  return isPlain && String(value) === text ? value : text;
}

/** `wake.timeout` below `wake`, whichever of the two comes first. Names of header fields keep their dots. */
function place(json: Record<string, PolicyValue>, path: string, value: PolicyValue): void {
  const [group = '', ...rest] = path.split('.');
  const known = json[group];
  const isObject = typeof known === 'object' && !Array.isArray(known);
  if (rest.length === 0) {
    json[group] = isObject ? { ...known, [OWN_VALUE]: value } : value;
    return;
  }
  const below: Record<string, PolicyValue> = isObject
    ? { ...(known as Record<string, PolicyValue>) }
    : known === undefined
      ? {}
      : { [OWN_VALUE]: known };
  below[rest.join('.')] = value;
  json[group] = below;
}
