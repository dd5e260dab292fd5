/** How the traffic of a set is split among its revisions, as it comes in and goes out. */
import { z } from '@hono/zod-openapi';
import type { SetRecord } from '#apps/app-record';
import type { RevisionRouting, RevisionShare } from '#core/set';
import type { Revision } from '#core/set-spec';
import { etagOf } from './answer.ts';
import type { Fault } from './problem.ts';

export const TrafficShape = z
  .object({
    targets: z.array(z.object({ revision: z.string(), weight: z.number() })),
    match: z.array(
      z.object({
        header: z.string().optional(),
        cookie: z.string().optional(),
        value: z.string(),
        revision: z.string(),
      }),
    ),
    sticky: z.boolean().openapi({ description: 'A visitor stays on the revision that was chosen for him.' }),
  })
  .openapi('Traffic');

export const TrafficRequest = z
  .strictObject({
    targets: z
      .array(z.strictObject({ revision: z.string(), weight: z.number().int().min(0).max(1000) }))
      .min(1)
      .max(10),
    match: z
      .array(
        z.strictObject({
          header: z.string().min(1).max(64).optional(),
          cookie: z.string().min(1).max(64).optional(),
          value: z.string().max(256),
          revision: z.string(),
        }),
      )
      .max(50)
      .default([]),
    sticky: z.boolean().default(false),
  })
  .openapi('TrafficRequest');

/** A split, or what is wrong with it. */
export type TrafficRead =
  | { readonly shares: readonly RevisionShare[]; readonly routing: RevisionRouting | null }
  | { readonly faults: readonly Fault[] };

/** @param revisions of the set */
export function readTraffic(body: z.output<typeof TrafficRequest>, revisions: readonly Revision[]): TrafficRead {
  const faults: Fault[] = [];
  const shareOf = (name: string, pointer: string): string => {
    const found = revisions.find((one) => one.name === name || String(one.number) === name);
    if (found !== undefined) return found.share;
    const known = revisions.map((one) => one.name).join(', ');
    faults.push({ pointer, code: 'unknown', detail: `The set has no revision "${name}"; it has ${known || 'none'}.` });
    return name;
  };
  const shares = body.targets.map(({ revision, weight }, i) => ({
    ...{ revision: shareOf(revision, `/targets/${i}/revision`), weight, replicas: null, held: false },
  }));
  const names = shares.map((one) => one.revision);
  if (new Set(names).size < names.length) {
    faults.push({ pointer: '/targets', code: 'repeated', detail: 'Two targets have the same replicas.' });
  }
  if (shares.every((one) => one.weight === 0)) {
    faults.push({ pointer: '/targets', code: 'bad_value', detail: 'One target at least needs a weight above 0.' });
  }
  const matches = body.match.map(({ header, cookie, value, revision }, i) => {
    if ((header === undefined) === (cookie === undefined)) {
      faults.push({ pointer: `/match/${i}`, code: 'bad_value', detail: 'A match names a header or a cookie.' });
    }
    const pointer = `/match/${i}/revision`;
    const share = shareOf(revision, pointer);
    if (!names.includes(share)) {
      faults.push({ pointer, code: 'unknown', detail: `"${revision}" is not among the targets.` });
    }
    const kind = header === undefined ? ('cookie' as const) : ('header' as const);
    return { kind, name: header?.toLowerCase() ?? cookie ?? '', value, revision: share };
  });
  if (faults.length > 0) return { faults };
  return { shares, routing: matches.length === 0 && !body.sticky ? null : { matches, sticky: body.sticky } };
}

export function trafficJson({ shares, routing }: SetRecord): z.input<typeof TrafficShape> {
  return {
    targets: shares.map(({ revision, weight }) => ({ revision, weight })),
    match: (routing?.matches ?? []).map(({ kind, name, value, revision }) => ({ [kind]: name, value, revision })),
    sticky: routing?.sticky ?? false,
  };
}

/** Of the split alone: a deployment moves it, and is seen in it. */
export function trafficTag(set: SetRecord): string {
  return etagOf(trafficJson(set));
}
