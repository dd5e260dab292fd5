/** A set as it comes in and goes out: one schema that checks, types and documents it, and its way to a SetSpec and back. */
import { z } from '@hono/zod-openapi';
import { parseBytes } from '#core/bytes';
import { SET_CLASSES } from '#core/set';
import type { SetSpec } from '#core/set-spec';
import { ContainerInput, containerJson, readContainers, respelled } from './container-input.ts';
import { faultsOfIssues } from './endpoint.ts';
import { labelsFrom, labelsJson, POLICY_SHAPE, RouteInput } from './policy-input.ts';
import type { Fault } from './problem.ts';

const PORT_MAX = 65_535;
const HOST_NAMESPACES = ['network', 'pid', 'ipc'] as const;

const Known = {
  class: z.enum(SET_CLASSES).default('app'),
  containers: z.array(ContainerInput).min(1),
  resources: z
    .strictObject({
      cpu: z.union([z.number().positive(), z.string()]).nullish().openapi({ description: 'Cores.', example: 2 }),
      memory: z.union([z.number().int().positive(), z.string()]).nullish().openapi({ example: '512Mi' }),
    })
    .default({}),
  port: z.number().int().min(1).max(PORT_MAX).optional(),
  volume: z.strictObject({ name: z.string(), path: z.string() }).nullish(),
  routes: z.array(RouteInput).max(100).optional(),
  sysctls: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
  share_pids: z.boolean().default(false),
  host_namespaces: z.array(z.enum(HOST_NAMESPACES)).default([]),
  publish: z
    .array(
      z.strictObject({
        port: z.number().int().min(1).max(PORT_MAX),
        host_port: z.number().int().min(1).max(PORT_MAX).nullish(),
      }),
    )
    .max(50)
    .default([]),
  links: z.array(z.string()).max(50).default([]),
  pull: z.enum(['missing', 'always', 'never']).default('missing'),
  update: z.looseObject({}).optional().openapi({ description: 'Reserved.' }),
};

/** What clients may send and what they get. */
export const SetInput = z.strictObject({ ...Known, ...POLICY_SHAPE }).openapi('SetSpec');

export type SetRead =
  | { readonly spec: SetSpec; readonly pointers: ReadonlyMap<string, string> }
  | { readonly faults: readonly Fault[] };

/** @param given whatever came in, in the contract's spelling or the articles' */
export function readSetInput(given: unknown): SetRead {
  const input = respelled(given);
  const parsed = SetInput.safeParse(input);
  if (!parsed.success) return { faults: faultsOfIssues(parsed.error.issues, input, Object.keys(SetInput.shape)) };
  const body = parsed.data as z.output<z.ZodObject<typeof Known>>;
  const faults: Fault[] = [];
  const containers = readContainers(body.containers, '/containers');
  if ('faults' in containers) faults.push(...containers.faults);
  const cpu = coresOf(body.resources.cpu ?? null);
  if (cpu === undefined) {
    faults.push({ pointer: '/resources/cpu', code: 'bad_value', detail: 'cpu is a number of cores: 2, 0.5, "500m".' });
  }
  const memory = bytesOf(body.resources.memory ?? null);
  if (memory === undefined) {
    const detail = 'memory is a size: "512Mi", "1g", or a number of bytes.';
    faults.push({ pointer: '/resources/memory', code: 'bad_value', detail });
  }
  if (faults.length > 0 || 'faults' in containers) return { faults };
  const { labels, pointers } = labelsFrom(parsed.data as Record<string, unknown>);
  return {
    pointers,
    spec: {
      class: body.class,
      containers: containers.containers,
      resources: { cpu: cpu ?? null, memory: memory ?? null },
      volume: body.volume ?? null,
      sysctls: Object.fromEntries(Object.entries(body.sysctls).map(([name, value]) => [name, String(value)])),
      sharePids: body.share_pids,
      hostNamespaces: body.host_namespaces,
      publish: body.publish.map(({ port, host_port: hostPort }) => ({ port, hostPort: hostPort ?? null })),
      links: body.links,
      pull: body.pull,
      labels,
    },
  };
}

/** As {@link readSetInput} takes it. */
export function setInputJson(spec: SetSpec): z.input<typeof SetInput> {
  const { cpu, memory } = spec.resources;
  return {
    class: spec.class,
    containers: spec.containers.map(containerJson),
    resources: { ...(cpu === null ? {} : { cpu }), ...(memory === null ? {} : { memory }) },
    ...(spec.volume === null ? {} : { volume: { ...spec.volume } }),
    ...(Object.keys(spec.sysctls).length > 0 ? { sysctls: { ...spec.sysctls } } : {}),
    ...(spec.sharePids ? { share_pids: true } : {}),
    ...(spec.hostNamespaces.length > 0 ? { host_namespaces: [...spec.hostNamespaces] } : {}),
    ...(spec.publish.length > 0
      ? { publish: spec.publish.map(({ port, hostPort }) => ({ port, host_port: hostPort })) }
      : {}),
    ...(spec.links.length > 0 ? { links: [...spec.links] } : {}),
    ...(spec.pull === 'missing' ? {} : { pull: spec.pull }),
    ...labelsJson(spec.labels),
  } as z.input<typeof SetInput>;
}

/** Undefined: it is no number of cores. */
function coresOf(given: number | string | null): number | null | undefined {
  if (typeof given !== 'string') return given;
  const match = /^(\d{1,6}(?:\.\d{1,3})?)(m?)$/.exec(given.trim());
  const cores = match === null ? Number.NaN : Number(match[1]) / (match[2] === 'm' ? 1000 : 1);
  return cores > 0 ? cores : undefined;
}

function bytesOf(given: number | string | null): number | null | undefined {
  if (typeof given !== 'string') return given;
  return parseBytes(given.trim()) ?? undefined;
}
