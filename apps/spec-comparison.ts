/** What a change of a spec asks for: nothing, another policy, other limits, or other containers. */
import type { SetSpec } from '#core/set-spec';

/** Labels that say how containers are dialled: what they promise comes true with new containers alone. */
const OF_CONTAINERS = [
  ...['tidegate.port', 'tidegate.proto', 'tidegate.network', 'tidegate.class'],
  ...['tidegate.health.path', 'tidegate.health.status'],
];

/**
 * `same`; `policy`: routes and policy alone, in force at once; `limits`: changed while it runs; `containers`: a new
 * revision has to prove itself.
 */
export type SpecChange = 'same' | 'policy' | 'limits' | 'containers';

/**
 * Labels for a revision: how its containers are dialled is its own, routes and policy are as they were asked for last.
 * @param wanted labels of the set as it is wished
 */
export function labelsInForce(of: SetSpec, wanted: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const policy = Object.entries(wanted).filter(([name]) => !OF_CONTAINERS.includes(name));
  const own = Object.entries(of.labels).filter(([name]) => OF_CONTAINERS.includes(name));
  return Object.fromEntries([...policy, ...own]);
}

export function compareSpecs(before: SetSpec, after: SetSpec): SpecChange {
  if (text(containersOf(before)) !== text(containersOf(after))) return 'containers';
  if (text(limitsOf(before)) !== text(limitsOf(after))) return isResizable(before, after) ? 'limits' : 'containers';
  return text(before) === text(after) ? 'same' : 'policy';
}

/** A limit cannot be taken away from a container that runs. */
function isResizable(before: SetSpec, after: SetSpec): boolean {
  const isTaken = (kind: 'cpu' | 'memory'): boolean =>
    before.resources[kind] !== null && after.resources[kind] === null;
  return !isTaken('cpu') && !isTaken('memory');
}

function containersOf(spec: SetSpec): unknown {
  const { labels, resources, links, pull, containers, ...rest } = spec;
  return {
    ...rest,
    // Networks are joined when a replica is made, in whatever order they were named.
    links: [...new Set(links)].sort(),
    containers: containers.map(({ options: { cpu, mem, ...options }, ...one }) => ({ ...one, options })),
    labels: OF_CONTAINERS.map((name) => labels[name] ?? null),
  };
}

function limitsOf(spec: SetSpec): unknown {
  return { resources: spec.resources, parts: spec.containers.map(({ options: { cpu, mem } }) => [cpu, mem]) };
}

/** The same text for the same content, in whatever order its keys stand. */
function text(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
