/**
 * Whose container it is: tenant, app and set, from our labels, else from compose's, else from the container's name. And
 * whether it is ours to serve at all.
 */
import { nameFrom } from '#core/name';
import { type SetKey, setKey } from '#core/set';
import { FOREIGN_LABELS } from './foreign-labels.ts';
import type { LabelReader } from './label-reader.ts';
import { LABELS } from './labels.ts';

export interface Identity {
  readonly key: SetKey;
  readonly tenant: string;
  readonly app: string;
  readonly set: string;
}

/** The set that answers at `<app>.<base>`. */
export const MAIN_SET = 'web';

/** Why the container is left out, in words; null: it takes part, unless a label of it was rejected. */
export function reasonToIgnore(reader: LabelReader): string | null {
  if (reader.given(FOREIGN_LABELS.composeOneOff)?.toLowerCase() === 'true')
    return 'it is a one-off of docker compose run';
  const enabled = reader.read(LABELS.enable);
  if (enabled === false) return 'tidegate.enable is false';
  if (enabled === true || reader.rejectedLabel(LABELS.enable)) return null;
  const wanted =
    reader.given(LABELS.app) !== null ||
    reader.given(LABELS.host) !== null ||
    reader.routeNames().some((route) => reader.given(LABELS.routeHost, route) !== null);
  return wanted ? null : 'it has neither tidegate.enable nor tidegate.app nor a host';
}

/** The identity, or null when a label stands in its way (which is noted). */
export function readIdentity(reader: LabelReader, containerName: string): Identity | null {
  const tenant = reader.read(LABELS.tenant);
  const app = readApp(reader, containerName);
  const set = readSet(reader);
  if (tenant === null || app === null || set === null) return null;
  return { key: setKey(tenant, app, set), tenant, app, set };
}

function readApp(reader: LabelReader, containerName: string): string | null {
  if (reader.given(LABELS.app) !== null) return reader.read(LABELS.app);
  const project = reader.given(FOREIGN_LABELS.composeProject);
  const app = nameFrom(project ?? containerName);
  if (app === null) {
    const source = project === null ? `container name "${containerName}"` : `compose project "${project}"`;
    reader.reject(LABELS.app, { value: null, expected: `${LABELS.app.shape.expected}, as the ${source} makes none` });
  }
  return app;
}

function readSet(reader: LabelReader): string | null {
  if (reader.given(LABELS.set) !== null) return reader.read(LABELS.set);
  const service = reader.given(FOREIGN_LABELS.composeService);
  if (service === null) return MAIN_SET;
  const set = nameFrom(service);
  if (set === null) {
    reader.reject(LABELS.set, {
      value: null,
      expected: `${LABELS.set.shape.expected}, as the compose service "${service}" makes none`,
    });
  }
  return set;
}
