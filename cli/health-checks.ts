/** What `tide doctor` looks at, one after the other. A check that cannot be made says so and does not hide the others. */
import type { Certificate, Domain, Host, Me } from './answers.ts';
import type { Api } from './api.ts';
import { CERTIFICATES } from './certificate-lookup.ts';
import { CommandFailure } from './command-failure.ts';
import { DOMAINS } from './domain-path.ts';
import { EXIT } from './exit-codes.ts';
import { momentText } from './moments.ts';

/** Renewal begins with a third of the life left; with half of that gone too, it does not come about. */
const NEAR_END_SHARE = 1 / 6;
const OK = 200;
const UNAVAILABLE = 503;

export interface Finding {
  readonly check: string;
  /** `skip`: could not be looked at, or there is nothing to look at. */
  readonly state: 'ok' | 'warn' | 'fail' | 'skip';
  readonly detail: string;
  readonly fix: readonly string[];
}

/** @param now ms since the epoch */
export async function checkHealth(api: Api, now: number): Promise<Finding[]> {
  const reached = await guarded('gateway', () => gateway(api));
  if (reached.some(({ state }) => state === 'fail')) return reached;
  const known = await guarded('token', () => token(api));
  const first = [...reached, ...(await guarded('ready', () => readiness(api))), ...known];
  if (known.some(({ state }) => state === 'fail')) return first;
  const rest = [
    ['hosts', () => hosts(api)],
    ['domains', () => domains(api)],
    ['certificates', () => certificates(api, now)],
  ] as const;
  const found = await Promise.all(rest.map(([check, look]) => guarded(check, look)));
  return [...first, ...found.flat()];
}

async function gateway(api: Api): Promise<Finding[]> {
  const { version } = await api.get<{ version: string }>('/healthz');
  return [ok('gateway', `Tidegate ${version} answers at ${api.url}.`)];
}

async function readiness(api: Api): Promise<Finding[]> {
  const answered = await api.ask('GET', '/readyz');
  // It says what is missing with a status that is no success.
  const status = answered.status === UNAVAILABLE ? OK : answered.status;
  const { ready, missing } = api.parsed<{ ready: boolean; missing: readonly string[] }>({ ...answered, status });
  if (ready) return [ok('ready', 'It serves traffic.')];
  return missing.map((detail) =>
    fail('ready', detail, ['Wait a moment; if it stays so, the log of the gateway says why.']),
  );
}

async function token(api: Api): Promise<Finding[]> {
  const { id, operator, tenant } = await api.get<Me>('/v1/me');
  const from = api.credential?.from ?? 'nowhere';
  return [ok('token', `${id}, ${operator ? 'an operator' : 'no operator'}, for the tenant ${tenant}; from ${from}.`)];
}

async function hosts(api: Api): Promise<Finding[]> {
  const { items } = await api.list<Host>('/v1/hosts');
  const bad = items.filter(({ state }) => state !== 'reachable');
  if (bad.length === 0) return [ok('hosts', `${items.length} reachable.`)];
  return bad.map(({ name, state, cause }) =>
    fail('hosts', `${name} is ${state}${cause === null ? '' : `: ${cause}`}.`, [
      `Check that dockerd runs on ${name}, and that TIDEGATE_DOCKER of the gateway points at it.`,
    ]),
  );
}

async function domains(api: Api): Promise<Finding[]> {
  const { items } = await api.list<Domain>(DOMAINS);
  const findings = items.flatMap((domain) => domainFinding(domain) ?? []);
  return findings.length > 0
    ? findings
    : [ok('domains', items.length === 0 ? 'There is none.' : `${items.length} active.`)];
}

function domainFinding({ hostname, status, diagnosis, certificate }: Domain): Finding | null {
  if (status === 'active') return null;
  const { last_error: error } = certificate;
  if (status === 'pending_certificate' && error === null) {
    const fix = ['Wait: it is being ordered.'];
    return { check: 'domains', state: 'warn', detail: `${hostname} has no certificate yet.`, fix };
  }
  const [first] = diagnosis;
  const why = first?.detail ?? error?.detail;
  const fix = [...new Set(diagnosis.map((one) => one.fix)), `tide domains verify ${hostname}`];
  return fail('domains', `${hostname} is ${status}${why === undefined ? '.' : `: ${why}`}`, fix);
}

async function certificates(api: Api, now: number): Promise<Finding[]> {
  const { items } = await api.list<Certificate>(CERTIFICATES);
  // One that has ended and that nobody orders anew is of a hostname that is gone.
  const current = items.filter(
    ({ state, issuance }) => state === 'valid' || (state === 'expired' && issuance !== null),
  );
  // A name may have an older one besides, which nobody is shown.
  const newest = new Map(current.map((one) => [one.names.join(), one]));
  const ending = [...newest.values()].filter((one) => isNearEnd(one, now));
  if (ending.length === 0) return [ok('certificates', `${newest.size}, none near its end.`)];
  return ending.map(({ names, not_after, issuance, id }) => {
    const error = issuance?.last_error ?? null;
    const fix =
      issuance === null ? 'tide certs import --cert FILE --key FILE brings its successor.' : `tide certs renew ${id}`;
    const why = error === null ? '' : ` ${error.detail}`;
    const verb = Date.parse(not_after) <= now ? 'ended' : 'ends';
    return fail('certificates', `${names.join(', ')} ${verb} ${momentText(not_after, now)}.${why}`, [fix]);
  });
}

function isNearEnd({ not_before, not_after }: Certificate, now: number): boolean {
  const [begin, end] = [Date.parse(not_before), Date.parse(not_after)];
  return end - now < (end - begin) * NEAR_END_SHARE;
}

/** What the API refuses is a finding as well; what it does not keep here cannot be unhealthy. */
async function guarded(check: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    const { message, details, fix, exit, code } = error;
    const detail = [message, ...details].join(' ');
    const isAbsent = code === 'unavailable' || (exit === EXIT.auth && check !== 'token');
    return [isAbsent ? { check, state: 'skip', detail, fix: [] } : fail(check, detail, fix)];
  }
}

function ok(check: string, detail: string): Finding {
  return { check, state: 'ok', detail, fix: [] };
}

function fail(check: string, detail: string, fix: readonly string[]): Finding {
  return { check, state: 'fail', detail, fix };
}
