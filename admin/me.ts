/** Endpoint of who asks: what a token stands for, for people who hold several. */
import { z } from '@hono/zod-openapi';
import { type Endpoints, NOTHING } from './endpoint.ts';

const MeShape = z
  .object({
    id: z.string().openapi({ description: 'Names the token without giving it away.' }),
    operator: z.boolean().openapi({ description: 'Sees hosts, and acts for the tenant it names.' }),
    tenant: z.string().openapi({ description: 'Whom this request acts for.' }),
  })
  .openapi('Me');

export function addMe(endpoints: Endpoints): void {
  endpoints.add(
    {
      method: 'get',
      path: '/v1/me',
      id: 'getMe',
      summary: 'Who the token stands for',
      params: NOTHING,
      query: NOTHING,
      body: null,
      answer: MeShape,
    },
    ({ scope }) => ({ id: scope.principal.id, operator: scope.principal.operator, tenant: scope.tenant }),
  );
}
