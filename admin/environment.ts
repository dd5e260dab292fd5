/** Endpoints of the environment and the secrets of an app. What a secret holds goes in, and never comes out again. */
import { z } from '@hono/zod-openapi';
import type { Apps } from '#apps/apps';
import type { Endpoints } from './endpoint.ts';
import { invalid, NOTHING } from './endpoint.ts';
import { ownApp } from './own.ts';
import type { PlanGate } from './plan-gate.ts';
import { type Fault, Problem } from './problem.ts';

const VALUE_MAX = 32_768;
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

export const EnvShape = z.record(z.string(), z.string().max(VALUE_MAX));

const AppParams = z.object({ app: z.string() });
const SecretParams = AppParams.extend({ k: z.string() });
const EnvAnswer = z
  .object({
    env: z.record(z.string(), z.string()),
    note: z.string().openapi({ description: 'When it comes true.' }),
  })
  .openapi('Env');
const SecretShape = z
  .object({ name: z.string(), updated_at: z.string().openapi({ format: 'date-time' }) })
  .openapi('Secret');

const NOTE = 'In force with the next revision of each set: deploy, or restart the app.';

export function addEnvironment(endpoints: Endpoints, apps: Apps, plan: PlanGate): void {
  addEnv(endpoints, apps);
  endpoints.add(
    {
      method: 'get',
      path: '/v1/apps/{app}/secrets',
      id: 'listSecrets',
      summary: 'Names of the secrets of an app; what they hold is never shown',
      needs: 'read',
      params: AppParams,
      query: NOTHING,
      body: null,
      answer: z.object({ items: z.array(SecretShape) }),
      problems: ['not_found'],
    },
    ({ scope, params: { app } }) => {
      const known = ownApp(apps, scope, app);
      if (known instanceof Problem) return known;
      return { items: apps.library.secrets(scope.tenant, app).map(secretJson) };
    },
  );
  endpoints.add(
    {
      method: 'put',
      path: '/v1/apps/{app}/secrets/{k}',
      id: 'putSecret',
      summary: 'Keeps a secret, encrypted; containers get it as a variable from the next revision on',
      needs: 'deploy',
      params: SecretParams,
      query: NOTHING,
      body: z.strictObject({ value: z.string().max(VALUE_MAX) }).openapi('SecretRequest'),
      answer: SecretShape,
      problems: ['not_found', 'quota_exceeded'],
    },
    async ({ scope, params: { app, k }, body }) => {
      const known = ownApp(apps, scope, app);
      if (known instanceof Problem) return known;
      const faults = faultsOfEnv({ [k]: body.value }, '/value', k);
      if (faults.length > 0) return invalid(faults);
      const isKnown = (): boolean => apps.library.secrets(scope.tenant, app).some((one) => one.name === k);
      const asker = { tenant: scope.tenant, by: scope.principal.id };
      const asked = () => ({ secrets: isKnown() ? 0 : 1 });
      const refused = await plan.taking(scope, asked, (taken) => apps.putSecret(asker, app, k, body.value, taken));
      if (refused instanceof Problem) return refused;
      const kept = apps.library.secrets(scope.tenant, app).find((one) => one.name === k);
      return kept === undefined ? new Problem('not_found', { detail: 'It was removed again.' }) : secretJson(kept);
    },
  );
  endpoints.add(
    {
      method: 'delete',
      path: '/v1/apps/{app}/secrets/{k}',
      id: 'deleteSecret',
      summary: 'Forgets a secret; containers that run keep it',
      needs: 'deploy',
      params: SecretParams,
      query: NOTHING,
      body: null,
      answer: NOTHING,
      status: 204,
      problems: ['not_found'],
    },
    async ({ scope, params: { app, k } }) => {
      const known = ownApp(apps, scope, app);
      if (known instanceof Problem) return known;
      const dropped = await apps.library.dropSecret(scope.tenant, app, k);
      return dropped ? {} : new Problem('not_found', { detail: `The app has no secret "${k}".` });
    },
  );
}

function addEnv(endpoints: Endpoints, apps: Apps): void {
  const path = '/v1/apps/{app}/env';
  endpoints.add(
    {
      method: 'get',
      path,
      id: 'getEnv',
      summary: 'The environment that all containers of an app get',
      needs: 'read',
      params: AppParams,
      query: NOTHING,
      body: null,
      answer: EnvAnswer,
      problems: ['not_found'],
    },
    ({ scope, params: { app } }) => {
      const known = ownApp(apps, scope, app);
      return known instanceof Problem ? known : { env: { ...known.env }, note: NOTE };
    },
  );
  for (const method of ['put', 'patch'] as const) {
    const isWhole = method === 'put';
    endpoints.add(
      {
        method,
        path,
        id: `${method}Env`,
        summary: isWhole ? 'Sets the environment of an app' : 'Changes variables of an app; null takes one away',
        needs: 'deploy',
        params: AppParams,
        query: NOTHING,
        body: isWhole
          ? z.looseObject({}).openapi('EnvRequest', { additionalProperties: { type: 'string' } })
          : z.looseObject({}).openapi('EnvPatch', { additionalProperties: { type: ['string', 'null'] } }),
        answer: EnvAnswer,
        problems: ['not_found'],
      },
      async ({ scope, params: { app }, body }) => {
        const known = ownApp(apps, scope, app);
        if (known instanceof Problem) return known;
        const given = new Map(Object.entries(body as Record<string, unknown>));
        const taken = [...given].filter(([, value]) => value === null && !isWhole).map(([name]) => name);
        for (const name of taken) given.delete(name);
        const faults = faultsOfEnv(Object.fromEntries(given), '');
        if (faults.length > 0) return invalid(faults);
        const asker = { tenant: scope.tenant, by: scope.principal.id };
        const changed = await apps.putApp(asker, app, (before) => {
          const all = Object.entries({ ...(isWhole ? {} : before.env), ...Object.fromEntries(given) });
          return { env: Object.fromEntries(all.filter(([name]) => !taken.includes(name))) as Record<string, string> };
        });
        return { env: { ...changed.app.env }, note: NOTE };
      },
    );
  }
}

/** What cannot be an environment. No message repeats a value. */
export function faultsOfEnv(env: Readonly<Record<string, unknown>>, at: string, only?: string): readonly Fault[] {
  return Object.entries(env).flatMap(([name, value]): Fault[] => {
    const pointer = only === undefined ? `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}` : at;
    if (!NAME.test(name)) {
      return [{ pointer, code: 'bad_name', detail: `"${name.slice(0, 64)}" cannot be the name of a variable.` }];
    }
    if (typeof value !== 'string') return [{ pointer, code: 'bad_value', detail: `${name}: a text is needed.` }];
    if (value.length > VALUE_MAX)
      return [{ pointer, code: 'too_long', detail: `${name}: ${VALUE_MAX} characters at most.` }];
    return value.includes('\0') ? [{ pointer, code: 'bad_value', detail: `${name}: it holds a NUL.` }] : [];
  });
}

function secretJson({ name, updatedAt }: { readonly name: string; readonly updatedAt: number }) {
  return { name, updated_at: new Date(updatedAt).toISOString() };
}
