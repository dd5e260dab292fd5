/** Endpoints of domains: bind a hostname to an app, read which records to set, and learn what stands in the way. */
import { z } from '@hono/zod-openapi';
import type { AddedDomain } from '#certs/domains/domain-answers';
import type { DomainView } from '#certs/domains/domain-view';
import { isName } from '#core/name';
import { seesApp } from './access.ts';
import { Done, etagOf, unmet } from './answer.ts';
import { DomainQuota } from './domain-quota.ts';
import { DomainShape, domainJson, FindingsShape, findingsJson } from './domain-shapes.ts';
import { type Call, type Endpoints, invalid, NOTHING } from './endpoint.ts';
import { PageQuery, pageOfEntries } from './page.ts';
import type { AdminPorts } from './ports.ts';
import { type Fault, Problem } from './problem.ts';
import { quotaProblem } from './quota-problem.ts';
import { pageOf } from './shapes.ts';

const LIST = '/v1/domains';
const ONE = `${LIST}/{domain}`;

const DomainParams = z.object({
  domain: z.string().openapi({ description: 'Id, or hostname; a wildcard as `%2A.shop.acme.com`.' }),
});

const NewDomain = z
  .strictObject({
    hostname: z.string().min(1).openapi({ description: 'Exact, or `*.name`.', example: 'shop.acme.com' }),
    app: z.string().openapi({ example: 'shop' }),
    set: z.string().nullable().optional().openapi({ description: 'The main set of the app when left out.' }),
    path: z.string().default('/').openapi({ description: 'Prefix of the paths that go there.' }),
  })
  .openapi('NewDomain');

type Asked = Pick<Call<typeof DomainParams, z.ZodObject, z.ZodObject>, 'scope' | 'params'>;

export function addDomains(endpoints: Endpoints, ports: AdminPorts): void {
  const quota = new DomainQuota(ports);
  const one = { params: DomainParams, query: NOTHING, body: null } as const;

  endpoints.add(
    {
      method: 'get',
      path: LIST,
      id: 'listDomains',
      summary: 'Domains of the tenant, by hostname',
      needs: 'read',
      filtered: true,
      params: NOTHING,
      query: PageQuery,
      body: null,
      answer: pageOf(DomainShape),
      problems: ['unavailable'],
    },
    async ({ scope, query }) => {
      const { domains } = ports;
      if (domains === undefined) return absent();
      const seen = (await domains.list(scope.tenant)).filter(({ app }) => seesApp(scope, app));
      const page = pageOfEntries(seen, ({ hostname }) => hostname, query);
      return { ...page, items: page.items.map(domainJson) };
    },
  );

  endpoints.add(
    {
      method: 'post',
      path: LIST,
      id: 'addDomain',
      summary: 'Binds a hostname to an app; answers with the records to set',
      needs: 'manage',
      filtered: true,
      params: NOTHING,
      query: NOTHING,
      body: NewDomain,
      answer: DomainShape,
      status: 201,
      versioned: true,
      problems: ['conflict', 'quota_exceeded', 'unavailable'],
    },
    async ({ scope, body }) => {
      const { domains } = ports;
      if (domains === undefined) return absent();
      const { hostname, app, set = null, path } = body;
      if (!seesApp(scope, app)) return beyond(app);
      const faults = faultsOf({ app, set, path });
      if (faults.length > 0) return invalid(faults);
      const { tenant } = scope;
      const outcome = await quota.within(tenant, () => domains.add({ tenant, hostname, app, set, path }));
      return outcome.kind === 'quota_exceeded' ? quotaProblem(outcome) : added(outcome);
    },
  );

  endpoints.add(
    {
      ...one,
      method: 'get',
      path: ONE,
      id: 'getDomain',
      summary: 'A domain: records to set, conditions, certificate, and what stands in the way',
      needs: 'read',
      filtered: true,
      answer: DomainShape,
      versioned: true,
      problems: ['not_found', 'unavailable'],
    },
    async (call) => found(await look(ports, call)),
  );

  endpoints.add(
    {
      ...one,
      method: 'delete',
      path: ONE,
      id: 'removeDomain',
      summary: 'Lets go of a hostname; for 72 hours no other tenant can have it',
      needs: 'manage',
      filtered: true,
      answer: NOTHING,
      status: 204,
      versioned: true,
      problems: ['not_found', 'unavailable'],
    },
    async (call) => {
      const domain = await look(ports, call);
      if (domain instanceof Problem) return domain;
      const problem = unmet(call.headers, etagOf(domainJson(domain)));
      if (problem !== null) return problem;
      const gone = await ports.domains?.remove(call.scope.tenant, domain.id);
      return gone === true ? {} : missing(call);
    },
  );

  endpoints.add(
    {
      ...one,
      method: 'post',
      path: `${ONE}/verify`,
      id: 'verifyDomain',
      summary: 'Checks ownership and DNS now',
      needs: 'manage',
      filtered: true,
      answer: DomainShape,
      versioned: true,
      problems: ['not_found', 'too_many_requests', 'unavailable'],
    },
    async (call) => {
      const domain = await look(ports, call);
      if (domain instanceof Problem) return domain;
      const outcome = await ports.domains?.verify(call.scope.tenant, domain.id);
      if (outcome === undefined || outcome === null) return missing(call);
      return outcome.kind === 'soon' ? tooSoon(outcome.retryAfterMs) : found(outcome.domain);
    },
  );

  // As GET it is a look; as POST it is the same for whoever expects that what takes a while is a POST.
  for (const [method, id] of [
    ['get', 'diagnoseDomain'],
    ['post', 'runDomainDiagnosis'],
  ] as const) {
    endpoints.add(
      {
        ...one,
        method,
        path: `${ONE}/diagnose`,
        id,
        summary: 'What was wanted and what every resolver says, now; changes nothing',
        needs: 'read',
        filtered: true,
        answer: FindingsShape,
        problems: ['not_found', 'unavailable'],
      },
      async (call) => {
        const domain = await look(ports, call);
        if (domain instanceof Problem) return domain;
        const findings = await ports.domains?.diagnose(call.scope.tenant, domain.id);
        return findings === undefined || findings === null ? missing(call) : findingsJson(findings);
      },
    );
  }
}

async function look({ domains }: AdminPorts, asked: Asked): Promise<DomainView | Problem> {
  if (domains === undefined) return absent();
  const domain = await domains.get(asked.scope.tenant, asked.params.domain);
  return domain !== null && seesApp(asked.scope, domain.app) ? domain : missing(asked);
}

function found(domain: DomainView | Problem) {
  if (domain instanceof Problem) return domain;
  const value = domainJson(domain);
  return new Done(value, { etag: etagOf(value) });
}

function added(outcome: AddedDomain) {
  if (outcome.kind === 'refused') {
    const { field, code, detail, fix } = outcome;
    return invalid([{ pointer: `/${field}`, code, detail }], [fix]);
  }
  const { domain } = outcome;
  const location = locationOf(domain);
  if (outcome.kind === 'known') {
    return new Problem('conflict', {
      detail: `This tenant has ${domain.hostname} already, for the app "${domain.app}".`,
      fix: [`GET ${location} shows it; DELETE it first to bind the hostname elsewhere.`],
      headers: { location },
    });
  }
  const value = domainJson(domain);
  return new Done(value, { location, etag: etagOf(value) });
}

function locationOf({ id }: DomainView): string {
  return `${LIST}/${encodeURIComponent(id)}`;
}

function faultsOf({ app, set, path }: { app: string; set: string | null; path: string }): Fault[] {
  const faults: Fault[] = [];
  const rule = 'a name has up to 40 lower-case letters, digits and hyphens, and begins with a letter';
  if (!isName(app)) faults.push({ pointer: '/app', code: 'bad_name', detail: `"${app}" names no app: ${rule}.` });
  if (set !== null && !isName(set)) {
    faults.push({ pointer: '/set', code: 'bad_name', detail: `"${set}" names no set: ${rule}.` });
  }
  if (!path.startsWith('/') || /[?#\s]/.test(path)) {
    faults.push({
      pointer: '/path',
      code: 'bad_path',
      detail: `"${path}" is no path: it begins with / and has no query.`,
    });
  }
  return faults;
}

function missing({ params }: Asked): Problem {
  return new Problem('not_found', {
    detail: `This tenant has no domain "${params.domain}".`,
    fix: [`GET ${LIST} lists its domains.`],
  });
}

/** Said before anybody looks whether there is such an app. */
function beyond(app: string): Problem {
  return new Problem('forbidden', {
    detail: `The token does not reach the app "${app}".`,
    fix: ['Use a token that is not limited to other apps.'],
  });
}

function tooSoon(retryAfterMs: number): Problem {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  return new Problem('too_many_requests', {
    detail: 'It was checked a moment ago.',
    fix: [`Ask again in ${seconds} s; GET shows what was found.`],
    headers: { 'retry-after': String(seconds) },
  });
}

function absent(): Problem {
  return new Problem('unavailable', { detail: 'Nobody keeps domains here.' });
}
