/**
 * The admin API as one Hono app over its ports: no listener, no Engine, no file. Every answer that is not what was asked
 * for is a problem document, also for paths and methods that do not exist.
 */
import { randomBytes } from 'node:crypto';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { scopeOf } from './access.ts';
import { addAppMetrics } from './app-metrics.ts';
import { addApps } from './apps.ts';
import { addAudit } from './audit.ts';
import { addCertificates } from './certificates.ts';
import { clientOf } from './client-address.ts';
import { addDomains } from './domains.ts';
import { addEncryptionKey } from './encryption-key.ts';
import { Endpoints } from './endpoint.ts';
import { addEvents } from './events.ts';
import { addExec } from './exec.ts';
import { ExecTickets } from './exec-tickets.ts';
import { addHosts } from './hosts.ts';
import { KnownSets } from './known-sets.ts';
import { addLogs } from './logs.ts';
import { addMe } from './me.ts';
import { describeOpenPaths } from './open-api.ts';
import { addOpenPaths } from './open-paths.ts';
import { addPlans } from './plans.ts';
import type { AdminPorts } from './ports.ts';
import { failure, Problem } from './problem.ts';
import { addRoutes } from './routes.ts';
import { addScale } from './scale.ts';
import { addTenants } from './tenants.ts';
import { addTokens } from './tokens.ts';
import { addTop } from './top.ts';
import { addUsage } from './usage.ts';
import { addWishes } from './wishes.ts';

const HEADERS = { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' } as const;

/**
 * @param closing aborted when the listener closes: ends the streams
 * @param tickets what the door for WebSockets takes; left out: there is none
 */
export function adminApp(
  ports: AdminPorts,
  closing: AbortSignal,
  tickets = new ExecTickets(ports.clock, randomBytes),
): OpenAPIHono {
  const endpoints = new Endpoints(ports);
  const { hono } = endpoints;
  hono.use(async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value);
  });
  hono.use('/v1/*', async (_, next) => {
    await ports.found;
    await next();
  });
  describeOpenPaths(hono);
  addOpenPaths(hono, ports);
  const known = new KnownSets(ports);
  addApps(endpoints, known, ports);
  addScale(endpoints, known, ports);
  addLogs(endpoints, known, ports, closing);
  addExec(endpoints, known, ports, tickets);
  addTop(endpoints, known, ports);
  addAppMetrics(endpoints, known, ports);
  addWishes(endpoints, ports);
  addRoutes(endpoints, ports);
  addDomains(endpoints, ports);
  addCertificates(endpoints, ports);
  addHosts(endpoints, ports);
  addEncryptionKey(endpoints, ports);
  addMe(endpoints);
  addTokens(endpoints, ports);
  addTenants(endpoints, ports);
  addPlans(endpoints, ports);
  addUsage(endpoints, ports);
  addAudit(endpoints, ports, closing);
  addEvents(endpoints, known, ports, closing);
  const paths = pathsOf(hono);
  hono.notFound((c) => unmatched(c, paths, ports));
  hono.onError((error, c) => failure(error, c.req.path, ports.log));
  return hono;
}

interface KnownPath {
  readonly pattern: RegExp;
  readonly method: string;
}

function pathsOf(hono: OpenAPIHono): readonly KnownPath[] {
  return hono.routes
    .filter(({ path, method }) => method !== 'ALL' && path !== '/*')
    .map(({ path, method }) => ({ method, pattern: new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}/?$`) }));
}

/** Without a token, nobody learns which paths exist. */
async function unmatched(c: Context, paths: readonly KnownPath[], ports: AdminPorts): Promise<Response> {
  const { path, method } = c.req;
  if (path === '/v1' || path.startsWith('/v1/')) {
    const scope = await scopeOf({ headers: c.req.raw.headers, client: clientOf(c, ports.proxies) }, ports);
    if (scope instanceof Problem) return scope.respond(path);
  }
  const methods = new Set(paths.filter((one) => one.pattern.test(path)).map((one) => one.method));
  if (methods.has('GET')) methods.add('HEAD');
  if (methods.size === 0) {
    return new Problem('not_found', {
      detail: `There is nothing at ${path}.`,
      fix: ['GET /docs lists all paths.'],
    }).respond(path);
  }
  const allow = [...methods].sort().join(', ');
  if (method === 'OPTIONS') return new Response(null, { status: 204, headers: { allow } });
  return new Problem('method_not_allowed', {
    detail: `${path} does not take ${method}.`,
    fix: [`Use ${allow}.`],
    headers: { allow },
  }).respond(path);
}
