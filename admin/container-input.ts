/**
 * Containers of a set as they come in: the contract's spelling, and the one of the articles (`Container List`, `Index`,
 * `Options`, `CPU`, `MEM`).
 */
import { z } from '@hono/zod-openapi';
import { parseDuration } from '#core/duration';
import { isName } from '#core/name';
import { type ContainerOptions, type ContainerSpec, type Healthcheck, NO_OPTIONS } from '#core/set-spec';
import type { Fault } from './problem.ts';

const CONTAINERS_MAX = 20;
const percent = z.number().positive().max(100);
const words = z.array(z.string()).max(200);

const VolumeInput = z.strictObject({
  name: z.string(),
  path: z.string(),
  readonly: z.boolean().default(false),
});

const HealthcheckInput = z
  .strictObject({
    test: z.union([z.string(), words.min(1)]).openapi({ description: 'A command, or one line for a shell.' }),
    interval: z.string().default('10s'),
    timeout: z.string().default('5s'),
    retries: z.number().int().min(1).max(100).default(3),
    start_period: z.string().default('0'),
  })
  .openapi('Healthcheck');

const OptionsInput = z
  .strictObject({
    cpu: percent.nullish().openapi({ description: "Percent of the set's processor time." }),
    mem: percent.nullish().openapi({ description: "Percent of the set's memory." }),
    env: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).nullish(),
    command: words.nullish().openapi({ description: 'Null or empty: as the image says.' }),
    entrypoint: words.nullish(),
    user: z.string().nullish(),
    workdir: z.string().nullish(),
    volumes: z.array(VolumeInput).max(20).nullish(),
    health: HealthcheckInput.nullish().openapi({ description: "The container's own HEALTHCHECK." }),
    init: z.boolean().nullish(),
    readonly_root: z.boolean().nullish(),
    stop_signal: z.string().nullish(),
    stop_timeout: z.union([z.string(), z.number().int().min(0)]).nullish(),
    capabilities: words.nullish(),
    privileged: z.boolean().nullish(),
    binds: z
      .array(z.strictObject({ source: z.string(), path: z.string(), readonly: z.boolean().default(false) }))
      .max(20)
      .nullish(),
    devices: words.nullish(),
  })
  .openapi('ContainerOptions');

export const ContainerInput = z
  .strictObject({
    index: z
      .number()
      .int()
      .min(0)
      .max(1000)
      .optional()
      .openapi({ description: 'Start order; the lowest is the main one.' }),
    name: z.string().optional().openapi({ example: 'main' }),
    image: z.string().min(1),
    options: OptionsInput.optional(),
  })
  .openapi('ContainerSpec');

type Input = z.output<typeof ContainerInput>;

export type ContainersRead = { readonly containers: readonly ContainerSpec[] } | { readonly faults: readonly Fault[] };

/** @param at JSON pointer of the list */
export function readContainers(given: readonly Input[], at: string): ContainersRead {
  const faults: Fault[] = [];
  const indices = given.map((one, i) => one.index ?? i + 1);
  const lowest = Math.min(...indices);
  const names = new Set<string>();
  const containers = given.map((one, i): ContainerSpec => {
    const index = indices[i] as number;
    const isMain = index === lowest && indices.indexOf(lowest) === i;
    const name = one.name ?? (isMain ? 'main' : `c${index}`);
    const pointer = `${at}/${i}/name`;
    if (!isName(name)) {
      faults.push({ pointer, code: 'bad_name', detail: `"${name}" cannot be a name: a to z, 0 to 9 and "-".` });
    }
    if (names.has(name)) faults.push({ pointer, code: 'repeated', detail: `Two containers are called "${name}".` });
    names.add(name);
    return {
      index,
      name,
      image: one.image.trim(),
      options: readOptions(one.options ?? {}, `${at}/${i}/options`, faults),
    };
  });
  if (given.length > CONTAINERS_MAX) {
    faults.push({ pointer: at, code: 'too_many', detail: `A set may have ${CONTAINERS_MAX} containers.` });
  }
  if (new Set(indices).size < indices.length) {
    faults.push({ pointer: at, code: 'repeated', detail: 'Two containers have the same index.' });
  }
  for (const [kind, word] of [
    ['cpu', 'processor time'],
    ['mem', 'memory'],
  ] as const) {
    const sum = containers.reduce((total, { options }) => total + (options[kind] ?? 0), 0);
    if (sum > 100) {
      const detail = `The containers together ask for ${sum} % of the ${word} of the set; 100 % is all there is.`;
      faults.push({ pointer: at, code: `${kind}_over_100`, detail });
    }
  }
  return faults.length > 0 ? { faults } : { containers: containers.toSorted((a, b) => a.index - b.index) };
}

/** As {@link ContainerInput} takes it: nothing that is as the image says is repeated. */
export function containerJson({ index, name, image, options }: ContainerSpec): z.input<typeof ContainerInput> {
  const { healthcheck, readonlyRoot, stopSignal, stopTimeoutS, ...rest } = options;
  const all = {
    ...rest,
    health: healthcheck === null ? null : healthJson(healthcheck),
    readonly_root: readonlyRoot,
    stop_signal: stopSignal,
    stop_timeout: stopTimeoutS,
  };
  const isSaid = ([key, value]: [string, unknown]): boolean => {
    if (value === null || (key === 'init' && value === true) || (key !== 'init' && value === false)) return false;
    if (Array.isArray(value)) return value.length > 0;
    return typeof value !== 'object' || Object.keys(value).length > 0;
  };
  return { index, name, image, options: Object.fromEntries(Object.entries(all).filter(isSaid)) };
}

/** The articles' spelling made the contract's: case and spaces of keys do not count. */
export function respelled(value: unknown): unknown {
  if (!isObject(value)) return value;
  const list = Object.entries(value).find(([key]) => bare(key) === 'containerlist');
  if (list === undefined) return value;
  const rest = Object.fromEntries(Object.entries(value).filter(([key]) => key !== list[0]));
  return { ...rest, containers: Array.isArray(list[1]) ? list[1].map(respelledContainer) : list[1] };
}

function respelledContainer(value: unknown): unknown {
  if (!isObject(value)) return value;
  const lower = Object.fromEntries(Object.entries(value).map(([key, part]) => [bare(key), part]));
  if (!isObject(lower.options)) return lower;
  return {
    ...lower,
    options: Object.fromEntries(Object.entries(lower.options).map(([key, part]) => [bare(key), part])),
  };
}

function bare(key: string): string {
  return key.toLowerCase().replaceAll(' ', '');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readOptions(given: z.output<typeof OptionsInput>, at: string, faults: Fault[]): ContainerOptions {
  const { env, command, entrypoint, health, stop_timeout: stop } = given;
  const stopMs = typeof stop === 'string' ? parseDuration(stop) : stop == null ? undefined : stop * 1000;
  if (stopMs === null) {
    faults.push({ pointer: `${at}/stop_timeout`, code: 'bad_value', detail: 'stop_timeout is a time such as 30s.' });
  }
  return {
    cpu: given.cpu ?? null,
    mem: given.mem ?? null,
    env: Object.fromEntries(Object.entries(env ?? {}).map(([name, value]) => [name, String(value)])),
    command: command == null || command.length === 0 ? null : command,
    entrypoint: entrypoint == null || entrypoint.length === 0 ? null : entrypoint,
    user: given.user ?? null,
    workdir: given.workdir ?? null,
    volumes: given.volumes ?? [],
    healthcheck: health == null ? null : readHealth(health, `${at}/health`, faults),
    init: given.init ?? NO_OPTIONS.init,
    readonlyRoot: given.readonly_root ?? false,
    stopSignal: given.stop_signal ?? null,
    stopTimeoutS: stopMs == null ? null : Math.ceil(stopMs / 1000),
    capabilities: given.capabilities ?? [],
    privileged: given.privileged ?? false,
    binds: given.binds ?? [],
    devices: given.devices ?? [],
  };
}

function readHealth(given: z.output<typeof HealthcheckInput>, at: string, faults: Fault[]): Healthcheck {
  const time = (key: 'interval' | 'timeout' | 'start_period'): number => {
    const ms = parseDuration(given[key]);
    if (ms === null)
      faults.push({ pointer: `${at}/${key}`, code: 'bad_value', detail: `${key} is a time such as 10s.` });
    return ms ?? 0;
  };
  return {
    test: typeof given.test === 'string' ? ['CMD-SHELL', given.test] : given.test,
    intervalMs: time('interval'),
    timeoutMs: time('timeout'),
    retries: given.retries,
    startPeriodMs: time('start_period'),
  };
}

function healthJson(check: Healthcheck): z.input<typeof HealthcheckInput> {
  return {
    test: [...check.test],
    interval: `${check.intervalMs}ms`,
    timeout: `${check.timeoutMs}ms`,
    retries: check.retries,
    start_period: `${check.startPeriodMs}ms`,
  };
}
