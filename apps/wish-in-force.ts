/** What a set is wished to be when what was wished last has come to nothing. */
import type { SetSpec } from '#core/set-spec';
import type { AppLibrary, SetPlace } from './app-library.ts';
import type { SetRecord } from './app-record.ts';

/** The set, wished as it is in force: containers of its revision, routes and policy as they hold. Null: nothing is in force. */
export function wishInForce(library: Pick<AppLibrary, 'set' | 'revision'>, place: SetPlace): SetRecord | null {
  const { tenant, app, name } = place;
  const set = library.set(tenant, app, name);
  const revision = set?.current == null ? null : library.revision(tenant, app, name, set.current);
  return set === null || revision === null ? null : { ...set, spec: { ...revision.spec, labels: set.labels } };
}

/** The set, wished as it was before somebody wished it to be as it is now; policy that was changed since then stays. */
export function wishBefore(
  set: SetRecord,
  { wished, before }: { readonly wished: SetSpec; readonly before: SetSpec },
): SetRecord {
  const names = new Set([wished, before, set.spec].flatMap((one) => Object.keys(one.labels)));
  const labels = [...names].flatMap((name) => {
    const since = set.spec.labels[name];
    const value = since === wished.labels[name] ? before.labels[name] : since;
    return value === undefined ? [] : [[name, value]];
  });
  return { ...set, spec: { ...before, labels: Object.fromEntries(labels) as SetSpec['labels'] } };
}
