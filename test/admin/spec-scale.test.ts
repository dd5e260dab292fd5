/** One scale of a set, whoever writes it: who scales it, and the file it is deployed from. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { setKey } from '#core/set';
import { readDeclared } from '#discovery/declared-set';
import { Platform } from '#test/apps/support/platform';
import { policy, snapshot } from '#test/router/sample';
import { until } from '#test/support/until';
import { withTenancy } from './tenancy-ground.ts';
import { live } from './tidegate.ts';

const ACME = { 'tidegate-tenant': 'acme', prefer: 'wait=30' };
const FILE = { containers: [{ image: 'shop:1' }], port: 8080, resources: { cpu: 1, memory: '64m' } };
const WEB = '/v1/apps/shop/sets/web';
const SCALE = `${WEB}/scale`;
const KEY = setKey('acme', 'shop', 'web');

type Answer = { readonly status: number; readonly body: Record<string, never>; readonly etag: string };

async function ground(t: TestContext) {
  const platform = new Platform();
  const { tidegate, tenants } = await withTenancy(t, platform);
  await tidegate.ask('/v1/plans/small', { method: 'PUT', body: { limits: { replicas: 20 } } });
  await tenants.add('acme', { plan: 'small', state: 'active' }, 0);
  /** What discovery makes of what was declared last. */
  const see = (): void => {
    const labels = platform.inForce(KEY)?.labels ?? {};
    const read = readDeclared(labels, { tenant: 'acme', app: 'shop', set: 'web', baseDomain: 'localhost' }).policy;
    assert.ok(read !== null, JSON.stringify(labels));
    tidegate.discover(snapshot(KEY, [], { policy: policy(read) }), live());
    tidegate.live.delete(KEY);
  };
  const ask = async (method: string, path: string, body?: object, tag?: string): Promise<Answer> => {
    const headers = { ...ACME, ...(tag === undefined ? {} : { 'if-match': tag }) };
    const answer = await tidegate.ask(path, { method, body, headers });
    const text = await answer.text();
    if (method !== 'GET' && answer.status < 300) see();
    return { status: answer.status, body: JSON.parse(text), etag: answer.headers.get('etag') ?? '' };
  };
  const good = async (method: string, path: string, body: object): Promise<Record<string, never>> => {
    const answer = await ask(method, path, body);
    assert.ok(answer.status < 300, JSON.stringify(answer.body));
    return answer.body;
  };
  /** Of the spec, of what is in force, and of who asked. */
  const scale = async () => {
    const spec = (await ask('GET', `${WEB}/spec`)).body as { spec?: { scale?: object } };
    const now = (await ask('GET', SCALE)).body as { min?: number; max?: number; override?: Record<string, unknown> };
    const { min, max, override } = now;
    const asked = override === null ? null : [override?.min, override?.max, override?.replicas];
    return { spec: spec.spec?.scale ?? null, now: [min, max], asked };
  };
  return { platform, tidegate, ask, good, scale };
}

test('who scales a set writes into its spec, in force at once and without a deployment: there is one value', async (t) => {
  const { platform, ask, good, scale } = await ground(t);
  await good('PUT', WEB, { ...FILE, scale: { min: 1, max: 4 } });
  assert.deepEqual(await scale(), { spec: { min: 1, max: 4 }, now: [1, 4], asked: null });
  const tag = (await ask('GET', WEB)).etag;
  await good('PUT', SCALE, { max: 10 });
  assert.deepEqual(await scale(), { spec: { min: 1, max: 10 }, now: [1, 10], asked: [null, 10, null] });
  assert.notEqual((await ask('GET', WEB)).etag, tag, 'who wrote a spec from what he had read before is told');
  assert.equal((await ask('PATCH', WEB, { drain: '7s' }, tag)).status, 412);
  await good('PATCH', WEB, { drain: '7s' });
  assert.deepEqual((await scale()).asked, [null, 10, null]);
  assert.equal(platform.apps.deployments.book.list('acme', 'shop').length, 1);
  assert.equal(platform.apps.library.set('acme', 'shop', 'web')?.labels['tidegate.scale.max'], '10');
});

test('a file that leaves the scale out takes nothing back of it; one that names it is followed, and that is told', async (t) => {
  const { tidegate, good, scale } = await ground(t);
  await good('PUT', WEB, FILE);
  await good('PUT', SCALE, { min: 2, max: 10 });
  await good('PUT', WEB, FILE);
  await good('PUT', WEB, { ...FILE, containers: [{ image: 'shop:2' }] });
  assert.deepEqual(await scale(), { spec: { min: 2, max: 10 }, now: [2, 10], asked: [2, 10, null] });
  const named = { ...FILE, scale: { max: 6 } };
  await good('PUT', WEB, named);
  assert.deepEqual(await scale(), { spec: { min: 2, max: 6 }, now: [2, 6], asked: [2, null, null] });
  const [event] = tidegate.events.older(null, 1, ({ type }) => type === 'set.scaled');
  assert.match(event?.cause ?? '', /its spec was given other bounds/);
  await good('PUT', SCALE, { max: 8 });
  await good('PUT', WEB, named);
  assert.deepEqual((await scale()).now, [2, 6], 'the file is followed each time');
  await good('PUT', WEB, FILE);
  assert.deepEqual(
    await scale(),
    { spec: { min: 2 }, now: [2, 2], asked: [2, null, null] },
    'what the file named goes with it',
  );
});

test('a fixed number is held beside the spec: the same file again leaves it, one with other bounds ends it', async (t) => {
  const { good, scale, tidegate, platform } = await ground(t);
  const file = { ...FILE, scale: { min: 0, max: 4 } };
  await good('PUT', WEB, file);
  await good('PUT', SCALE, { replicas: 3 });
  assert.equal(platform.apps.library.set('acme', 'shop', 'web')?.scaled, undefined, "its bounds are the file's");
  assert.deepEqual(tidegate.settings.get(KEY)?.replicas, 3);
  await good('PUT', WEB, file);
  await good('PUT', WEB, { ...file, containers: [{ image: 'shop:2' }] });
  assert.deepEqual((await scale()).asked, [null, null, 3]);
  await good('PUT', WEB, { ...file, scale: { min: 0, max: 5 } });
  assert.deepEqual(await scale(), { spec: { min: 0, max: 5 }, now: [0, 5], asked: null });
});

test('null gives a bound back to what the spec said, a patch of the spec takes it away; a min above max lifts that', async (t) => {
  const { good, scale } = await ground(t);
  await good('PUT', WEB, FILE);
  await good('PUT', SCALE, { min: 3 });
  assert.deepEqual((await scale()).now, [3, 3]);
  await good('PUT', SCALE, { max: 4 });
  await good('PUT', SCALE, { min: 6 });
  assert.deepEqual((await scale()).spec, { min: 6, max: 6 });
  await good('PUT', SCALE, { min: null });
  assert.deepEqual(await scale(), { spec: { max: 6 }, now: [1, 6], asked: [null, 6, null] });
  await good('PUT', WEB, { ...FILE, scale: { max: 4 } });
  await good('PUT', SCALE, { max: 9 });
  await good('PUT', SCALE, { max: 10, replicas: 2 });
  await good('PUT', SCALE, { min: null, max: null, replicas: null });
  assert.deepEqual(await scale(), { spec: { max: 4 }, now: [1, 4], asked: null }, '`tide scale --reset`');
  await good('PATCH', WEB, { scale: { max: null } });
  assert.deepEqual(await scale(), { spec: null, now: [1, 1], asked: null });
});

test('it is refused with its place, counted against the plan, tried without being done, and made by one at a time', async (t) => {
  const { ask, good, scale } = await ground(t);
  await good('PUT', WEB, { ...FILE, scale: { min: 1, max: 4, schedule: 'sat 10:00-20:00 min=3' } });
  const faults = async (body: object) => {
    const { status, body: problem } = await ask('PUT', SCALE, body);
    const { errors = [] } = problem as { errors?: readonly { pointer: string }[] };
    return [status, ...errors.map((one) => one.pointer)];
  };
  assert.deepEqual(await faults({ max: 0 }), [422, '/max']);
  assert.deepEqual(await faults({ min: 2, max: 1 }), [422, '/max']);
  assert.deepEqual(await faults({ max: 2 }), [422, '/max'], 'its schedule asks for more');
  assert.equal((await ask('PUT', SCALE, { max: 21 })).body.code, 'quota_exceeded');
  const tried = await ask('PUT', `${SCALE}?dry_run=true`, { min: 2, max: 9 });
  assert.deepEqual([tried.body.min, tried.body.max], [2, 9]);
  assert.deepEqual((await scale()).now, [1, 4]);
  const { etag } = await ask('GET', SCALE);
  const both = await Promise.all([5, 6].map((max) => ask('PUT', SCALE, { max }, etag)));
  assert.deepEqual(both.map((one) => one.status).sort(), [200, 412]);
  await Promise.all([ask('PUT', SCALE, { max: 7 }), ask('PATCH', WEB, { drain: '9s' }), ask('PUT', SCALE, { min: 2 })]);
  assert.deepEqual((await scale()).spec, { min: 2, max: 7, schedule: 'sat 10:00-20:00 min=3' });
});

test('a set that becomes class data keeps no scale: its file is not refused for what somebody else had asked for', async (t) => {
  const { good, scale } = await ground(t);
  await good('PUT', WEB, FILE);
  await good('PUT', SCALE, { min: 2, max: 5 });
  await good('PUT', WEB, { ...FILE, class: 'data' });
  assert.deepEqual(await scale(), { spec: null, now: [1, 1], asked: null });
});

test('a compose file is checked with the scale as it is when its turn has come', async (t) => {
  const { platform, ask, good } = await ground(t);
  await good('PUT', WEB, FILE);
  await good('PUT', SCALE, { max: 6 });
  const file = [
    'services:',
    '  web:',
    '    image: shop:1',
    '    labels: { tidegate.port: 8080, tidegate.scale.schedule: sat 10:00-20:00 min=3 }',
    '    deploy: { resources: { limits: { cpus: 1, memory: 64m } } }',
  ];
  const compose = () => ask('POST', '/v1/apps/shop/compose', { text: file.join('\n') });
  const { promise: kept, resolve: keep } = Promise.withResolvers<void>();
  let isWriting = false;
  const isOfSet = (changes: string): boolean => {
    if (!changes.includes('"kind":"set"')) return false;
    isWriting = true;
    return true;
  };
  platform.slow = { is: isOfSet, until: kept };
  const reset = ask('PUT', SCALE, { max: null });
  await until(() => isWriting);
  const late = compose();
  await ask('GET', SCALE);
  keep();
  assert.equal((await reset).status, 200);
  assert.deepEqual(
    [(await late).status, (await late).body.code],
    [422, 'invalid'],
    'its schedule asks for more than one',
  );
  platform.slow = null;
  await good('PUT', SCALE, { max: 6 });
  assert.equal((await compose()).status, 200);
});
