/**
 * From one container to what it contributes to its set: identity, policy, routes and itself as a replica. Of a replica that
 * Tidegate made the pause container contributes all, and members nothing. Pure; whatever is wrong with the labels comes
 * back as rejections, never as an exception.
 */
import type { ReplicaSnapshot, RouteSpec, SetPolicy } from '#core/set';
import type { EngineContainer } from '#docker/engine';
import { findAddresses, type Reach } from './addresses.ts';
import { isUp, statusOf } from './container-state.ts';
import { type Identity, readIdentity, reasonToIgnore } from './identity.ts';
import { LabelReader, type Rejection, type UnknownLabel, unknownLabels } from './label-reader.ts';
import { LABELS } from './labels.ts';
import { exposedBy, hasBadPlace, isPodUp, type Pod, type PodPlace, readPlace, runOfPod } from './pod.ts';
import { readPolicy } from './policy.ts';
import { mainPort, PORT_TO_COME } from './ports.ts';
import { type NamedRoute, readRoutes } from './routes.ts';

export interface TranslationContext {
  readonly host: string;
  readonly baseDomain: string;
  readonly reach: Reach;
  /** A container of the host by id or name, whether ours or not: for `container:` networks. */
  readonly lookup: (reference: string) => EngineContainer | null;
  /** The members of a replica that Tidegate made, as far as they are known. */
  readonly pod: (replica: string) => Pod;
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
  const place = readPlace(reader);
  const pod = place === null ? null : context.pod(place.replica);
  const ignored = (pod === null ? null : reasonOfPod(place, pod)) ?? reasonToIgnore(reader);
  const contribution = ignored === null ? contribute(reader, container, { ...context, ...knowledge, pod }) : null;
  return {
    name: container.name,
    contribution,
    ignored,
    rejections: reader.rejections,
    unknown: unknownLabels(container.labels),
  };
}

/** Why a part of a replica that Tidegate made is left out, in words; null: it is not. */
function reasonOfPod(place: PodPlace | null, pod: Pod): string | null {
  if (place?.role === 'member') return 'it is a member of a replica, which its pause container stands for';
  return pod.wasWhole ? null : 'it is still being made: its members are not all there';
}

interface Surroundings extends Omit<TranslationContext, 'pod'>, Knowledge {
  /** Null: the container is a replica by itself. */
  readonly pod: Pod | null;
}

function contribute(reader: LabelReader, container: EngineContainer, around: Surroundings): Contribution | null {
  if (reader.rejectedLabel(LABELS.enable) || hasBadPlace(reader)) return null;
  const identity = readIdentity(reader, container.name) ?? around.identity;
  if (identity === null) return null;
  const { pod } = around;
  const exposed = pod === null ? container.exposedPorts : exposedBy(container, pod);
  const policy = readPolicy(reader, identity.set);
  const named = mainPort(reader, exposed);
  // Which port it is may be told by the image of a member that was not looked at yet.
  const comes = pod !== null && pod.main === null ? PORT_TO_COME : null;
  const routes = readRoutes(reader, { identity, baseDomain: around.baseDomain, mainPort: named ?? comes, exposed });
  // A worker often has the image of what is served, with its port, and listens on none.
  const isSaid = reader.given(LABELS.port) !== null || container.exposedPorts.length > 0 || routes.length > 0;
  const main = pod === null || isSaid || policy.class !== 'tool' ? named : null;
  const weight = reader.readOrDefault(LABELS.weight);
  const revision = reader.read(LABELS.revision);
  const cloneOf = reader.read(LABELS.cloneOf);
  const network = reader.read(LABELS.network);

  const obstacle = reader.rejections.find((one) => one.scope === 'replica');
  const runs = pod === null ? isUp(container) : isPodUp(container, pod);
  const { reach, lookup } = around;
  const home = pod === null ? null : container.networkMode;
  const addresses =
    obstacle === undefined && runs
      ? findAddresses({ container, ports: portsOf(main, routes), network, home, reach, lookup })
      : { endpoints: [], unroutable: obstacle !== undefined && runs ? obstacle.message : null };

  return {
    identity,
    policy: obstacle === undefined && !reader.rejected('set') ? policy : null,
    routes,
    hasMainPort: main !== null,
    replica: {
      id: `${around.host}/${container.id}`,
      host: around.host,
      containerId: container.id,
      name: container.name,
      createdAt: container.createdAt,
      ...(pod === null ? runOf(container, around.stopping) : runOfPod(container, around.stopping, pod)),
      endpoints: addresses.endpoints,
      unroutable: addresses.unroutable,
      revision,
      weight,
      cloneOf,
      // A new revision may answer elsewhere than the one before it, and both are looked at for a while.
      ...(pod === null ? {} : { look: { path: policy.health.path, status: policy.health.status } }),
    },
  };
}

type Run = Pick<ReplicaSnapshot, 'status' | 'startedAt' | 'exitCode' | 'pid' | 'hasHealthcheck' | 'stopTimeoutS'>;

function runOf(container: EngineContainer, stopping: boolean): Run {
  const { startedAt, exitCode, pid, hasHealthcheck, stopTimeoutS } = container;
  return { status: statusOf(container, stopping), startedAt, exitCode, pid, hasHealthcheck, stopTimeoutS };
}

/** The main port first, then every route's own, each once. */
function portsOf(main: number | null, routes: readonly NamedRoute[]): readonly number[] {
  const ports = new Set<number>(main === null ? [] : [main]);
  for (const { specs } of routes)
    for (const { port } of specs ?? ([] as RouteSpec[])) if (port !== null) ports.add(port);
  return [...ports];
}
