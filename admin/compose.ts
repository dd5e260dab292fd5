/** The endpoint that takes a compose file: a whole app, brought up in the order of its dependencies. */
import { z } from '@hono/zod-openapi';
import type { Apps } from '#apps/apps';
import { type ComposedSet, placeOf, readCompose } from '#apps/compose/compose';
import { STRATEGIES } from '#apps/deployment-record';
import { withScaled } from '#apps/scale-bounds';
import { isName } from '#core/name';
import { setKey } from '#core/set';
import type { AmountChanges } from '#tenants/quotas';
import type { Scope } from './access.ts';
import { Done } from './answer.ts';
import type { Endpoints } from './endpoint.ts';
import { invalid } from './endpoint.ts';
import { OperationShape } from './operation-shapes.ts';
import { accepted } from './operations.ts';
import type { PlanGate } from './plan-gate.ts';
import { type Fault, Problem } from './problem.ts';
import type { ScaleHold } from './scale-hold.ts';
import { SetInput, setInputJson } from './set-input.ts';
import { inTurnOf } from './set-turns.ts';
import type { SpecGate } from './spec-gate.ts';

const TEXT_MAX = 1_000_000;
const VARIABLE_MAX = 65_536;

const ComposeRequest = z
  .strictObject({
    text: z.string().max(TEXT_MAX).openapi({ description: 'The file as it is.' }),
    variables: z
      .record(z.string(), z.string().max(VARIABLE_MAX))
      .default({})
      .openapi({ description: 'For `$NAME` in it; the environment of the gateway is not read.' }),
    strategy: z.enum(STRATEGIES).exclude(['member']).default('rolling'),
  })
  .openapi('ComposeRequest');

const NotesShape = z
  .array(z.object({ line: z.number().int(), detail: z.string() }))
  .openapi({ description: 'What is left out of the file, or done in another way.' });

/** `sets` alone answers a dry run. */
const ComposeAnswer = z.union([
  OperationShape.extend({ notes: NotesShape }).openapi('ComposeOperation'),
  z
    .object({ sets: z.array(z.object({ name: z.string(), spec: SetInput })), notes: NotesShape })
    .openapi('ComposePreview', { description: 'Of a dry run: sets in the order in which they would come up.' }),
]);

interface Parts {
  readonly endpoints: Endpoints;
  readonly apps: Apps;
  readonly gate: SpecGate;
  readonly plan: PlanGate;
  readonly hold: ScaleHold;
}

export function addCompose({ endpoints, apps, gate, plan, hold }: Parts): void {
  endpoints.add(
    {
      method: 'post',
      path: '/v1/apps/{app}/compose',
      id: 'composeApp',
      summary: 'Brings an app up as a compose file says, in the order of its dependencies',
      needs: 'deploy',
      params: z.object({ app: z.string() }),
      query: z.object({}),
      body: ComposeRequest,
      answer: ComposeAnswer,
      status: 202,
      dryRun: true,
      problems: ['quota_exceeded'],
    },
    async ({ scope, params: { app }, body, headers, dryRun }) => {
      if (!isName(app)) {
        return invalid([{ pointer: '/app', code: 'bad_name', detail: `"${app}" cannot be the name of an app.` }]);
      }
      const read = readCompose(body.text, { variables: new Map(Object.entries(body.variables)) });
      if ('problems' in read) {
        return invalid(
          read.problems.map(({ line, column, code, detail }) => {
            return { pointer: '/text', code, detail: `Line ${line}, column ${column}: ${detail}` };
          }),
        );
      }
      const { tenant, principal } = scope;
      const notes = [...read.notes, ...notesOnOthers(apps, tenant, app, read.sets)];
      const bring = async () => {
        // What is read of the sets as they are holds until they are changed.
        const sets = read.sets.map((one) => {
          const before = apps.library.set(tenant, app, one.name);
          return { ...one, before, spec: withScaled(before, one.spec) };
        });
        const faults = sets.flatMap((set) => faultsOf(gate, scope, app, set));
        if (faults.length > 0) return invalid(faults);
        const asked = (): AmountChanges => amountsOf({ apps, gate }, tenant, app, sets);
        return await plan.taking(scope, asked, async (taken) => {
          if (dryRun) return sets;
          const { strategy } = body;
          const asker = { tenant, app, by: principal.id, strategy, cause: 'a compose file' };
          const deployment = await apps.putSets(
            sets.map(({ name, spec }) => ({ ...asker, set: name, spec })),
            taken,
          );
          for (const { name, before, spec } of sets) await hold({ tenant, app, set: name, before, after: spec });
          return deployment?.operation ?? (await nothingToDo(apps, asker));
        });
      };
      const begun = await inTurnOf(apps, { tenant, app, sets: read.sets.map((one) => one.name) }, bring);
      if (begun instanceof Problem) return begun;
      if (typeof begun !== 'string') {
        const sets = begun.map(({ name, spec }) => ({ name, spec: setInputJson(spec) }));
        return new Done({ sets, notes }, { status: 200 });
      }
      // Whoever waits for its end keeps nobody else of the tenant waiting.
      const operation = apps.operations.get(tenant, begun);
      if (operation === null) return new Problem('internal', { detail: 'The operation is gone.' });
      const { value, facts } = await accepted(apps, operation, headers);
      return new Done({ ...value, notes }, facts);
    },
  );
}

/** With the lines that say what the faults are about. */
function faultsOf(gate: SpecGate, scope: Scope, app: string, { name, spec, places }: ComposedSet): readonly Fault[] {
  return gate.faultsOf(scope, { app, set: name }, spec).map(({ pointer, code, detail }) => {
    const { line, column } = placeOf(places, pointer);
    return { pointer: '/text', code, detail: `Line ${line}, column ${column}: ${name}: ${detail}` };
  });
}

/** A set that the file does not name stays: a file never takes anything away. */
function notesOnOthers(apps: Apps, tenant: string, app: string, sets: readonly ComposedSet[]) {
  const others = apps.library
    .sets(tenant, app)
    .map((one) => one.name)
    .filter((name) => !sets.some((one) => one.name === name));
  const detail = `The app has sets that the file does not name, and they stay: ${others.join(', ')}.`;
  return others.length === 0 ? [] : [{ line: 1, detail }];
}

function amountsOf(
  { apps, gate }: Pick<Parts, 'apps' | 'gate'>,
  tenant: string,
  app: string,
  sets: readonly ComposedSet[],
): AmountChanges {
  const sum = { apps: apps.library.app(tenant, app) === null ? 1 : 0, sets: 0, replicas: 0, cpu: 0, memory: 0 };
  for (const { name, spec } of sets) {
    const before = apps.library.set(tenant, app, name)?.spec ?? null;
    const more = gate.askedBy({ key: setKey(tenant, app, name), isNewApp: false, before, after: spec });
    for (const resource of ['sets', 'replicas', 'cpu', 'memory'] as const) sum[resource] += more[resource] ?? 0;
  }
  return sum;
}

/** Everything is in force already, or came into force at once: an operation that has ended. */
async function nothingToDo(
  { operations }: Apps,
  { tenant, app, by }: { readonly tenant: string; readonly app: string; readonly by: string },
): Promise<string> {
  const { id } = await operations.begin({ tenant, app, type: 'deployment', target: app, by });
  await operations.update(id, { state: 'succeeded', result: { revisions: {} } });
  return id;
}
