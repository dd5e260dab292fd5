/**
 * A set that is in force because the store says so, whether a container of it exists or not. Its policy and routes are
 * spelled as labels and read as those of a container are: there is one vocabulary and one reader for both.
 */
import {
  type RevisionRouting,
  type RevisionShare,
  type RouteSpec,
  type SetKey,
  type SetPolicy,
  setKey,
} from '#core/set';
import type { Identity } from './identity.ts';
import { LabelReader, type Rejection, type UnknownLabel, unknownLabels } from './label-reader.ts';
import { readPolicy } from './policy.ts';
import { mainPort, PORT_TO_COME } from './ports.ts';
import { type NamedRoute, readRoutes } from './routes.ts';

/** Plain JSON. */
export interface DeclaredSet {
  readonly key: SetKey;
  readonly tenant: string;
  readonly app: string;
  readonly set: string;
  /** Routes and policy: `tidegate.port`, `tidegate.scale.max`, `tidegate.route.r0.host`, …; identity labels are not read. */
  readonly labels: Readonly<Record<string, string>>;
  /** What is wanted of each revision. Replicas of others are drained and removed. */
  readonly shares: readonly RevisionShare[];
  /** Null: requests choose by the weights alone. */
  readonly routing: RevisionRouting | null;
  /** The only port that the image of the main container EXPOSEs; null: none, or several; left out: not known yet. */
  readonly exposedPort?: number | null | undefined;
  /** A person stopped it: it sleeps, whoever asks for it. Left out: it is not. */
  readonly stopped?: boolean | undefined;
  /** Hosts whose containers are no part of it: what it had there was given up. Left out: none. */
  readonly leftHosts?: readonly string[] | undefined;
}

/** A declared set with what its labels come to. */
export interface Declaration {
  readonly declared: DeclaredSet;
  readonly reading: DeclarationReading;
}

/** Hosts that were not looked at since the start: all, or by name those that do not answer. */
export type Unseen = 'all' | readonly string[];

export interface DeclarationFacts {
  readonly tenant: string;
  readonly app: string;
  readonly set: string;
  readonly baseDomain: string;
  /** As in {@link DeclaredSet}. */
  readonly exposedPort?: number | null | undefined;
}

/** What labels of a declared set come to. */
export interface DeclarationReading {
  /** Null: a label of it was rejected. */
  readonly policy: SetPolicy | null;
  /** Those whose labels are good. */
  readonly routes: readonly RouteSpec[];
  /** The same by name, with those that were rejected. */
  readonly named: readonly NamedRoute[];
  readonly rejections: readonly Rejection[];
  readonly unknown: readonly UnknownLabel[];
}

/** Reads labels as those of a declared set. Pure; never throws. */
export function readDeclared(labels: Readonly<Record<string, string>>, facts: DeclarationFacts): DeclarationReading {
  const { tenant, app, set, baseDomain, exposedPort } = facts;
  const reader = new LabelReader(labels);
  const identity: Identity = { key: setKey(tenant, app, set), tenant, app, set };
  const exposed = exposedPort === undefined ? [PORT_TO_COME] : exposedPort === null ? [] : [exposedPort];
  const policy = readPolicy(reader, set);
  const named = readRoutes(reader, { identity, baseDomain, mainPort: mainPort(reader, exposed), exposed });
  const isGood = !reader.rejected('set') && !reader.rejected('replica');
  return {
    policy: isGood ? policy : null,
    routes: named.flatMap(({ specs }) => specs ?? []),
    named,
    rejections: reader.rejections,
    unknown: unknownLabels(labels),
  };
}
