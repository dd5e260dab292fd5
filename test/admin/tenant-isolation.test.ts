/**
 * Whatever a token asks, wherever: no answer names anything of another tenant. Two tenants with names that are found in no
 * other word; tokens of all kinds by chance; every operation of the document, with names of either tenant in it. Longer, or
 * from another seed: TIDEGATE_TEST_FUZZ_REQUESTS, TIDEGATE_TEST_SEED.
 */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { ACCESS_SCOPES } from '#core/access-scope';
import { Platform } from '#test/apps/support/platform';
import { replica, route, seeded, snapshot } from '#test/router/sample';
import { type Operation, pathOf, readDocument } from './api-document.ts';
import { type TenancyGround, withTenancy } from './tenancy-ground.ts';
import { live } from './tidegate.ts';

const SEED = Number(process.env.TIDEGATE_TEST_SEED ?? 1);
const REQUESTS = Number(process.env.TIDEGATE_TEST_FUZZ_REQUESTS ?? 1500);
const TENANTS = ['amber', 'cobalt'] as const;
type Tenant = (typeof TENANTS)[number];
/** Names that nobody has; they begin as those of a tenant do. */
const NOBODYS = { amber: 'anobody', cobalt: 'cnobody' } as const;

interface World extends TenancyGround {
  /** Ids that the other tenant must never see. */
  readonly ids: Readonly<Record<Tenant, Set<string>>>;
  readonly operations: readonly Operation[];
}

async function world(t: TestContext): Promise<World> {
  const ground = await withTenancy(t, new Platform());
  const { tidegate, tenants, token, as } = ground;
  const ids: Record<Tenant, Set<string>> = { amber: new Set(), cobalt: new Set() };
  for (const tenant of TENANTS) {
    await tidegate.ask('/v1/plans', { method: 'POST', body: { name: `${tenant}-plan`, limits: { domains: 50 } } });
    await tenants.add(tenant, { plan: `${tenant}-plan`, state: 'active' }, 0);
    const [app, set, hostname] = [`${tenant}-app`, `${tenant}-set`, `${tenant}.example`];
    const one = replica(`${tenant}-replica`);
    const routes = [route(hostname), route('shared.example'), route('shared.example', `/${tenant}`)];
    tidegate.discover(
      snapshot(`${tenant}/${app}/${set}`, routes, { replicas: [one] }),
      live({ replicas: [{ id: one.id, phase: 'ready', inFlight: 0 }] }),
    );
    tidegate.ports.record({ type: 'set.awake', tenant, app, set, cause: `${tenant} cause`, data: { word: tenant } });
    const { id, text } = await token({ name: `${tenant}-owner`, role: 'owner' }, tenant);
    ids[tenant].add(id);
    const asOwner = async (path: string, method = 'POST', body: object = {}): Promise<void> => {
      const made = (await (await as(text, path, { method, body })).json()) as { id?: string };
      if (made.id !== undefined) ids[tenant].add(made.id);
    };
    await asOwner('/v1/domains', 'POST', { hostname: `own.${hostname}`, app });
    const containers = [{ index: 1, name: 'main', image: `${tenant}-image:1`, options: { env: { WORD: tenant } } }];
    await asOwner(`/v1/apps/${tenant}-made/sets/${set}`, 'PUT', { containers, port: 80 });
    await asOwner(`/v1/apps/${tenant}-made/env`, 'PUT', { WORD: `${tenant} word` });
    await asOwner(`/v1/apps/${tenant}-made/secrets/KEY`, 'PUT', { value: `${tenant} secret` });
    await asOwner('/v1/tokens', 'POST', { name: `${tenant}-ci`, role: 'viewer' });
    await asOwner(`/v1/apps/${app}/sets/${set}/scale`, 'PUT', { min: 0 });
    const deployments = await itemsOf(await as(text, `/v1/apps/${tenant}-made/deployments`));
    const operations = await itemsOf(await as(text, '/v1/operations'));
    for (const { id: one } of [...deployments, ...operations]) ids[tenant].add(one);
    for (const item of await itemsOf(await as(text, '/v1/audit'))) ids[tenant].add(item.id);
    for (const item of await itemsOf(await as(text, '/v1/events'))) ids[tenant].add(item.id);
  }
  const { operations } = readDocument(await (await tidegate.ask('/openapi.json')).json());
  return { ...ground, ids, operations };
}

async function itemsOf(response: Response): Promise<{ id: string }[]> {
  return ((await response.json()) as { items: { id: string }[] }).items;
}

class Chance {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  one<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)] as T;
  }

  happens(probability: number): boolean {
    return this.#random() < probability;
  }
}

/** A token of a tenant that may do anything, or hardly anything. */
async function anyToken({ token, ids }: World, tenant: Tenant, chance: Chance, n: number): Promise<string> {
  const resources = chance.happens(0.3)
    ? [chance.one(['app:*', 'app:a*', 'app:c*', 'app:none', `app:${tenant}-app`])]
    : [];
  const kind = chance.one(['pat', 'svc', 'dep']);
  const made = await token({ name: `${tenant}-t${n}`, kind, scopes: [chance.one(ACCESS_SCOPES)], resources }, tenant);
  ids[tenant].add(made.id);
  return made.text;
}

/** One operation with names of one tenant, or of nobody, in it. */
function asked(operation: Operation, names: string, { ids }: World, chance: Chance) {
  const id = chance.one([...(ids[names as Tenant] ?? ['tok_00000000000000000000000000'])]);
  const name = (kind: string): string => {
    if (kind === 'app') return `${names}-${chance.one(['app', 'made'])}`;
    if (kind === 'set') return `${names}-set`;
    if (kind === 'k') return 'KEY';
    if (kind === 'r') return 'r1';
    if (kind === 'tenant') return names;
    if (kind === 'plan') return `${names}-plan`;
    return chance.one([id, `own.${names}.example`, `${names}-ci`, `${names}-owner`]);
  };
  const query = operation.path.endsWith('/resolve') ? `?url=${names}.example/` : '';
  const filters = operation.path === '/v1/events' || operation.path === '/v1/audit' ? `?app=${names}-app` : '';
  const path = pathOf(operation, name) + query + (chance.happens(0.5) ? filters : '');
  // A tenant may call its own app as it likes: here nothing is made under names of the other.
  const bodies: readonly object[] =
    operation.id === 'putApp' ? [{ no: 1 }] : [{}, { min: 0 }, { ttl: '1m' }, { state: 'active' }];
  const body = operation.body === null ? {} : { body: chance.one(bodies) };
  return { path, asked: { method: operation.method, ...body } };
}

/** What the answer says, without what the question had said already. */
async function saidBeyond(response: Response, path: string): Promise<string> {
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  if (isStream) await response.body?.cancel();
  let said = isStream ? '' : await response.text();
  // A tenant's own audit log says what it asked for, in whatever words.
  if (path.startsWith('/v1/audit')) said = said.replaceAll(/"params":\{[^}]*\}/g, '');
  said += JSON.stringify([...response.headers]);
  const echoed = decodeURIComponent(path)
    .split(/[/?=&]/)
    .filter((one) => one.length > 3);
  for (const word of [decodeURIComponent(path), ...echoed.toSorted((a, b) => b.length - a.length)])
    said = said.replaceAll(word, '');
  return said;
}

test('no answer to any token on any path names anything of another tenant, and its names are as good as none', async (t) => {
  const ground = await world(t);
  const { operations, as, tidegate, ids } = ground;
  const guarded = operations.filter(({ path }) => path.startsWith('/v1'));
  const chance = new Chance(SEED);
  const texts: Record<Tenant, string> = { amber: '', cobalt: '' };
  let foreign = 0;
  for (let n = 0; n < REQUESTS; n++) {
    const tenant = chance.one(TENANTS);
    const other = tenant === 'amber' ? 'cobalt' : 'amber';
    if (texts[tenant] === '' || chance.happens(0.1)) texts[tenant] = await anyToken(ground, tenant, chance, n);
    const text = texts[tenant];
    const operation = chance.one(guarded);
    const names = chance.one([tenant, other, other]);
    const request = asked(operation, names, ground, chance);
    const response = await as(text, request.path, request.asked);
    const what = `seed ${SEED}, request ${n}: ${tenant} asks ${request.asked.method} ${request.path} → ${response.status}`;
    assert.ok(response.status < 500 || response.status === 503, what);
    const { status } = response;
    const said = await saidBeyond(response, request.path);
    assert.equal(said.includes(other), false, `${what} ${said}`);
    for (const id of ids[other]) assert.equal(said.includes(id), false, `${what} says ${id}`);
    if (status === 401) texts[tenant] = '';
    if (names !== other || status === 401 || !operation.path.includes('{')) continue;
    foreign++;
    const twin = asked(operation, NOBODYS[other], ground, chance);
    const path = request.path.replaceAll(other, NOBODYS[other]);
    const none = await as(text, path, { ...twin.asked, ...request.asked });
    assert.equal(none.status, status, `${what}, but ${none.status} for ${path}`);
    await none.body?.cancel();
  }
  assert.ok(foreign > REQUESTS / 10, `${foreign} requests asked for what belongs to another`);
  for (const { tenant, app } of tidegate.leases)
    assert.equal(app.startsWith(tenant), true, `${tenant} keeps ${app} awake`);
});

test('a token whose time is over is told the same as one that never was, on every path', async (t) => {
  const ground = await world(t);
  const { operations, as, token, tidegate } = ground;
  const expires_at = new Date(tidegate.clock.wall() + 1000).toISOString();
  const { text } = await token({ name: 'late', role: 'owner', expires_at }, 'amber');
  await tidegate.clock.advance(1000);
  const chance = new Chance(SEED);
  for (const operation of operations) {
    if (operation.needs === null) continue;
    const { path, asked: how } = asked(operation, 'amber', ground, chance);
    const answers = await Promise.all(
      [text, `tide_pat_${'0'.repeat(26)}_${'0'.repeat(64)}`].map((one) => as(one, path, how)),
    );
    const [late, never] = await Promise.all(answers.map((one) => one.text()));
    assert.deepEqual([answers[0]?.status, late], [401, never], path);
  }
});
