/** Endpoints of routes: the table in force, and why a URL goes where it goes. */
import { z } from '@hono/zod-openapi';
import type { SetKey } from '#core/set';
import { type Scope, seesApp } from './access.ts';
import { type Endpoints, invalid, NOTHING } from './endpoint.ts';
import { PageQuery, pageOfEntries } from './page.ts';
import type { AdminPorts } from './ports.ts';
import { conflictsOf, resolve, routeJson, targetOf } from './resolution.ts';
import { ResolutionShape, RoutesShape } from './shapes.ts';

const ResolveQuery = z.object({
  url: z
    .string()
    .min(1)
    .openapi({ description: 'A URL, or a hostname and path.', example: 'http://shop.localhost/cart' }),
});

export function addRoutes(endpoints: Endpoints, ports: AdminPorts): void {
  endpoints.add(
    {
      method: 'get',
      path: '/v1/routes',
      id: 'listRoutes',
      summary: 'Routes in force, by hostname and path, and the conflicts among claims',
      needs: 'read',
      filtered: true,
      params: NOTHING,
      query: PageQuery,
      body: null,
      answer: RoutesShape,
    },
    ({ scope, query }) => {
      const own = [...ports.table.routes()].filter(({ pool }) => isSeen(scope, pool.key));
      const page = pageOfEntries(own, ({ spec }) => `${spec.hostname} ${spec.path}`, query);
      return {
        ...page,
        items: page.items.map((one) => routeJson(one, ports.sets)),
        conflicts: conflictsOf((key) => isSeen(scope, key), ports.table),
      };
    },
  );

  endpoints.add(
    {
      method: 'get',
      path: '/v1/routes/resolve',
      id: 'resolveRoute',
      summary: 'Where a URL goes, and why',
      needs: 'read',
      params: NOTHING,
      query: ResolveQuery,
      body: null,
      answer: ResolutionShape,
    },
    ({ scope, query }) => {
      const target = targetOf(query.url);
      if ('problem' in target) {
        const detail = `url "${query.url}" cannot be resolved: ${target.problem}.`;
        return invalid([{ pointer: '/url', code: 'bad_url', detail }]);
      }
      return resolve(target, scope.tenant, ports);
    },
  );
}

function isSeen(scope: Scope, key: SetKey): boolean {
  const [tenant, app = ''] = key.split('/');
  return tenant === scope.tenant && seesApp(scope, app);
}
