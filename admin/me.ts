/** Endpoint of who asks: what a token stands for, for people who hold several. */
import { z } from '@hono/zod-openapi';
import { ACCESS_SCOPES, roleOf, TOKEN_KINDS } from '#core/access-scope';
import { type Endpoints, NOTHING } from './endpoint.ts';
import { timeOf } from './time.ts';

const MeShape = z
  .object({
    id: z.string().openapi({ description: 'Names the token without giving it away.' }),
    name: z.string(),
    kind: z.enum(TOKEN_KINDS),
    operator: z.boolean().openapi({ description: 'Sees hosts, and acts for the tenant it names.' }),
    tenant: z.string().openapi({ description: 'Whom this request acts for.' }),
    scopes: z.array(z.enum(ACCESS_SCOPES)).openapi({ description: 'What it may do; each holds those before it.' }),
    role: z.string().nullable().openapi({ description: 'The highest of its scopes as a role.', example: 'developer' }),
    resources: z.array(z.string()).openapi({ description: 'Apps it is limited to; none: all.', example: ['app:shop'] }),
    cidrs: z.array(z.string()).openapi({ description: 'Networks it may be used from; none: all.' }),
    expires_at: z.string().nullable(),
  })
  .openapi('Me');

export function addMe(endpoints: Endpoints): void {
  endpoints.add(
    {
      method: 'get',
      path: '/v1/me',
      id: 'getMe',
      summary: 'Who the token stands for',
      needs: 'read',
      filtered: true,
      params: NOTHING,
      query: NOTHING,
      body: null,
      answer: MeShape,
    },
    ({ scope: { principal, tenant } }) => {
      const { id, name, kind, operator, scopes, resources, cidrs, expiresAt } = principal;
      const limits = { resources: [...resources], cidrs: [...cidrs], expires_at: timeOf(expiresAt) };
      const role = operator ? 'operator' : roleOf(scopes);
      return { id, name, kind, operator, tenant, scopes: [...scopes], role, ...limits };
    },
  );
}
