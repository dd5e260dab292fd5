/**
 * From one container to what it contributes to its set: identity, policy, routes and itself as a replica. Pure; whatever
 * is wrong with the labels comes back as rejections, never as an exception.
 */
import type { ContainerStatus, ReplicaSnapshot, RouteSpec, SetPolicy } from '#core/set';
import type { EngineContainer } from '#docker/engine';
import { findAddresses, type Reach } from './addresses.ts';
import { type Identity, readIdentity, reasonToIgnore } from './identity.ts';
import { LabelReader, type Rejection, type UnknownLabel, unknownLabels } from './label-reader.ts';
import { LABELS } from './labels.ts';
import { readPolicy } from './policy.ts';
import { mainPort } from './ports.ts';
import { type NamedRoute, readRoutes } from './routes.ts';

export interface TranslationContext {
  readonly host: string;
  readonly baseDomain: string;
  readonly reach: Reach;
  /** A container of the host by id or name, whether ours or not: for `container:` networks. */
  readonly lookup: (reference: string) => EngineContainer | null;
}

/** What is known of a container beside what the Engine says of it now. */
export interface Knowledge {
  /** A stop signal was sent; the Engine does not tell. */
  readonly stopping: boolean;
  /** The last good identity of this container: stands in when its name makes none any more. */
  readonly identity: Identity | null;
}

export interface Contribution {
  readonly identity: Identity;
  /** Null: a label of it was rejected. Such a container keeps a known set, but makes no new one. */
  readonly policy: SetPolicy | null;
  readonly routes: readonly NamedRoute[];
  readonly replica: ReplicaSnapshot;
  /** False: it cannot take requests of routes without a port of their own. */
  readonly hasMainPort: boolean;
}

export interface Translation {
  readonly name: string;
  /** Null: left out, because it is ignored or because nobody knows whose it is. */
  readonly contribution: Contribution | null;
  /** Why it is none of ours, in words; null: it is. */
  readonly ignored: string | null;
  readonly rejections: readonly Rejection[];
  readonly unknown: readonly UnknownLabel[];
}

export const NOTHING_KNOWN: Knowledge = { stopping: false, identity: null };

/** What a container contributes, as far as its labels let it. */
export function translate(
  container: EngineContainer,
  context: TranslationContext,
  knowledge: Knowledge = NOTHING_KNOWN,
): Translation {
  const reader = new LabelReader(container.labels);
  const ignored = reasonToIgnore(reader);
  const contribution = ignored === null ? contribute(reader, container, context, knowledge) : null;
  return {
    name: container.name,
    contribution,
    ignored,
    rejections: reader.rejections,
    unknown: unknownLabels(container.labels),
  };
}

/** What a container is, with what only its events told. */
export function statusOf(container: EngineContainer, stopping: boolean): ContainerStatus {
  if (container.status === 'removing') return 'dead';
  return stopping && isUp(container) ? 'stopping' : container.status;
}

/** It has processes, running or paused. */
export function isUp(container: EngineContainer): boolean {
  return container.status === 'running' || container.status === 'paused';
}

function contribute(
  reader: LabelReader,
  container: EngineContainer,
  context: TranslationContext,
  knowledge: Knowledge,
): Contribution | null {
  if (reader.rejectedLabel(LABELS.enable)) return null;
  const identity = readIdentity(reader, container.name) ?? knowledge.identity;
  if (identity === null) return null;
  const main = mainPort(reader, container.exposedPorts);
  const policy = readPolicy(reader, identity.set);
  const routes = readRoutes(reader, {
    identity,
    baseDomain: context.baseDomain,
    mainPort: main,
    exposed: container.exposedPorts,
  });
  const network = reader.read(LABELS.network);
  const weight = reader.readOrDefault(LABELS.weight);
  const revision = reader.read(LABELS.revision);
  const cloneOf = reader.read(LABELS.cloneOf);

  const obstacle = reader.rejections.find((one) => one.scope === 'replica');
  const ports = portsOf(main, routes);
  const addresses =
    obstacle === undefined && isUp(container)
      ? findAddresses({ container, ports, network, reach: context.reach, lookup: context.lookup })
      : { endpoints: [], unroutable: obstacle !== undefined && isUp(container) ? obstacle.message : null };

  return {
    identity,
    policy: obstacle === undefined && !reader.rejected('set') ? policy : null,
    routes,
    hasMainPort: main !== null,
    replica: {
      id: `${context.host}/${container.id}`,
      host: context.host,
      containerId: container.id,
      name: container.name,
      status: statusOf(container, knowledge.stopping),
      createdAt: container.createdAt,
      startedAt: container.startedAt,
      exitCode: container.exitCode,
      pid: container.pid,
      hasHealthcheck: container.hasHealthcheck,
      endpoints: addresses.endpoints,
      unroutable: addresses.unroutable,
      revision,
      weight,
      cloneOf,
      stopTimeoutS: container.stopTimeoutS,
    },
  };
}

/** The main port first, then every route's own, each once. */
function portsOf(main: number | null, routes: readonly NamedRoute[]): readonly number[] {
  const ports = new Set<number>(main === null ? [] : [main]);
  for (const { specs } of routes)
    for (const { port } of specs ?? ([] as RouteSpec[])) if (port !== null) ports.add(port);
  return [...ports];
}
