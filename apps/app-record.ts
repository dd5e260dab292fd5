/**
 * What is kept of an app and its sets: plain JSON, one document each. An app exists because somebody made it or one of
 * its sets through the API; apps that are found by labels alone have no record here.
 */
import type { RevisionRouting, RevisionShare } from '#core/set';
import type { SetSpec } from '#core/set-spec';
import type { ScaledBounds } from './scale-bounds.ts';

export const APP_KIND = 'app';
export const SET_KIND = 'set';
export const REVISION_KIND = 'revision';
export const SECRET_KIND = 'secret';
/** Values of secrets that were in force before, for the revisions that were made with them. */
export const SECRET_VERSION_KIND = 'secret-version';

export interface AppRecord {
  readonly tenant: string;
  readonly name: string;
  readonly description: string;
  /** Set in every container of every set; the containers' own env goes before it. Holds from the next revision on. */
  readonly env: Readonly<Record<string, string>>;
  /** Ms since the epoch. */
  readonly createdAt: number;
  /** Its sets are kept down, and requests are told so. */
  readonly stopped: boolean;
}

type AppValues = Partial<Pick<AppRecord, 'description' | 'env'>>;
/** A function is asked while nobody else changes the app. */
export type AppChange = AppValues | ((before: AppRecord) => AppValues);

export interface SetRecord {
  readonly tenant: string;
  readonly app: string;
  readonly name: string;
  /** As it was asked for last. */
  readonly spec: SetSpec;
  /** Routes and policy in force, as labels: those of `spec`, but while it has still to prove itself. */
  readonly labels: Readonly<Record<string, string>>;
  /** Number of the revision in force; null: none has proved itself yet. */
  readonly current: number | null;
  /** What is wanted of each revision now: one of them but for deployments and lasting splits. */
  readonly shares: readonly RevisionShare[];
  readonly routing: RevisionRouting | null;
  /** What of its scale was written by whoever scaled it, and not by a spec; left out: nothing. */
  readonly scaled?: ScaledBounds | undefined;
  /** The highest number that was given to a revision. */
  readonly lastRevision: number;
  /** Ms since the epoch. */
  readonly createdAt: number;
}

/** @param now ms since the epoch */
export function newApp(tenant: string, name: string, now: number): AppRecord {
  return { tenant, name, description: '', env: {}, createdAt: now, stopped: false };
}

/**
 * One of which nothing is in force yet.
 * @param now ms since the epoch
 */
export function newSet(
  { tenant, app, name, spec }: Pick<SetRecord, 'tenant' | 'app' | 'name' | 'spec'>,
  now: number,
): SetRecord {
  const nothing = { current: null, shares: [], routing: null, lastRevision: 0 };
  return { tenant, app, name, spec, labels: spec.labels, ...nothing, createdAt: now };
}

/** A secret at rest. */
export interface SecretRecord {
  readonly tenant: string;
  readonly app: string;
  readonly name: string;
  /** Base 64 of the sealed value. */
  readonly sealed: string;
  /** Grows with every new value; left out of those that were kept before there were versions: 0. */
  readonly version?: number;
  /** Ms since the epoch. */
  readonly updatedAt: number;
}

export function appId(tenant: string, app: string): string {
  return `${tenant}/${app}`;
}

export function setId(tenant: string, app: string, set: string): string {
  return `${tenant}/${app}/${set}`;
}

/** Padded, so that documents come in the order of their numbers. */
export function revisionId(tenant: string, app: string, set: string, number: number): string {
  return `${tenant}/${app}/${set}/${String(number).padStart(8, '0')}`;
}

export function secretId(tenant: string, app: string, name: string): string {
  return `${tenant}/${app}/${name}`;
}

/** Padded, as those of revisions. */
export function secretVersionId(secret: string, version: number): string {
  return `${secret}/${String(version).padStart(8, '0')}`;
}

/** Binds a sealed value to its place: one that is moved there cannot be opened. */
export function secretContext(tenant: string, app: string, name: string): string {
  return `secret:${secretId(tenant, app, name)}`;
}
