/** Endpoints of the credentials of a tenant for registries of images. A password goes in, and never comes out again. */
import { z } from '@hono/zod-openapi';
import type { Apps } from '#apps/apps';
import type { RegistryEntry } from '#apps/registry-book';
import { readRegistryHost } from '#core/registry-host';
import type { Endpoints } from './endpoint.ts';
import { invalid, NOTHING } from './endpoint.ts';
import type { PlanGate } from './plan-gate.ts';
import { Problem } from './problem.ts';

/** Of one tenant. */
const REGISTRIES_MAX = 100;
/** Tokens of some clouds' registries are long. */
const PASSWORD_MAX = 16_384;
const USERNAME_MAX = 255;
const LIST = '/v1/registries';
const ONE = `${LIST}/{host}`;

const params = z.object({
  host: z.string().openapi({
    description: 'As in the names of its images; `docker.io` for Docker Hub.',
    example: 'registry.example:5000',
  }),
});
const RegistryShape = z
  .object({
    host: z.string().openapi({ example: 'registry.example:5000' }),
    username: z.string(),
    updated_at: z.string().openapi({ format: 'date-time' }),
  })
  .openapi('Registry');
const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}]*$/u, 'It holds a control character.');

export function addRegistries(endpoints: Endpoints, { registries }: Pick<Apps, 'registries'>, plan: PlanGate): void {
  const isFull = (tenant: string, host: string): boolean =>
    registries.get(tenant, host) === null && registries.list(tenant).length >= REGISTRIES_MAX;
  endpoints.add(
    {
      method: 'get',
      path: LIST,
      id: 'listRegistries',
      summary: 'Registries that the tenant has credentials for; passwords are never shown',
      needs: 'read',
      params: NOTHING,
      query: NOTHING,
      body: null,
      answer: z.object({ items: z.array(RegistryShape) }),
    },
    ({ scope }) => ({ items: registries.list(scope.tenant).map(registryJson) }),
  );

  endpoints.add(
    {
      method: 'put',
      path: ONE,
      id: 'putRegistry',
      summary:
        'Keeps credentials for a registry, the password encrypted; images of all apps of the tenant are had with them',
      needs: 'deploy',
      params,
      query: NOTHING,
      body: z.strictObject({ username: text(USERNAME_MAX), password: text(PASSWORD_MAX) }).openapi('RegistryRequest'),
      answer: RegistryShape.extend({
        login: z.enum(['accepted', 'unknown']).openapi({
          description: 'What the registry said to them; `unknown`: it could not be asked, and they are kept untried.',
        }),
      }),
      problems: ['quota_exceeded'],
    },
    async ({ scope, params: { host: given }, body }) => {
      const { tenant } = scope;
      const host = readRegistryHost(given);
      if (host === null) return badHost();
      if (isFull(tenant, host)) return full();
      const login = await registries.check(host, body);
      if (login === 'refused') {
        const detail = `${host} refuses these credentials. Check the username; many registries want a token as password.`;
        return invalid([{ pointer: '/password', code: 'refused', detail }]);
      }
      // The registry took its time: the tenant may be gone by now, or have as many as it may.
      return await plan.taking(
        scope,
        () => ({}),
        async () => {
          if (isFull(tenant, host)) return full();
          return { ...registryJson(await registries.put({ tenant, host, ...body })), login };
        },
      );
    },
  );

  endpoints.add(
    {
      method: 'delete',
      path: ONE,
      id: 'deleteRegistry',
      summary: 'Forgets credentials; images that revisions have stay theirs',
      needs: 'deploy',
      params,
      query: NOTHING,
      body: null,
      answer: NOTHING,
      status: 204,
      problems: ['not_found'],
    },
    async ({ scope, params: { host: given } }) => {
      const host = readRegistryHost(given);
      if (host === null) return badHost();
      if (await registries.drop(scope.tenant, host)) return {};
      return new Problem('not_found', { detail: `The tenant has no credentials for "${host}".` });
    },
  );
}

function full(): Problem {
  const detail = `A tenant has credentials for ${REGISTRIES_MAX} registries at most.`;
  return new Problem('quota_exceeded', { detail, fix: ['DELETE those that are not needed any more.'] });
}

function badHost(): Problem {
  const detail = 'A registry is named as in the names of its images: registry.example, 10.0.0.5:5000, docker.io.';
  return invalid([{ pointer: '/host', code: 'bad_host', detail }]);
}

function registryJson({ host, username, updatedAt }: RegistryEntry): z.input<typeof RegistryShape> {
  return { host, username, updated_at: new Date(updatedAt).toISOString() };
}
