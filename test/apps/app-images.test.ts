/** Whose copy of an image a tenant may use, on a platform without an Engine. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import test, { type TestContext } from 'node:test';
import { openSqliteStore } from '#store/sqlite-store';
import { until } from '#test/support/until';
import { Platform, specOf } from './support/platform.ts';

const PRIVATE = 'registry.example/acme/shop:1';
const HOST = 'registry.example';

let count = 0;

async function opened(t: TestContext): Promise<Platform> {
  const platform = new Platform();
  t.after(() => platform.close());
  await platform.open();
  platform.images.remote.add(PRIVATE);
  platform.images.members.add('robot');
  return platform;
}

interface Deployed {
  readonly image?: string;
  readonly pull?: 'missing' | 'always' | 'never';
  readonly set?: string;
}

/** How the deployment of a set of one tenant ends: its state, or the code of its error. */
async function deploy(
  platform: Platform,
  tenant: string,
  { image = PRIVATE, pull = 'missing', set = 'web' }: Deployed = {},
) {
  const { apps } = platform;
  const spec = { ...specOf(image), pull };
  // Another value each time, so that there is something to deploy.
  const env = { COUNT: String(++count) };
  const containers = spec.containers.slice(0, 1).map((one) => ({ ...one, options: { ...one.options, env } }));
  const wish = { tenant, app: 'shop', set, by: 'tok_1', cause: 'test', strategy: 'rolling' as const };
  const { deployment } = await apps.putSet({ ...wish, spec: { ...spec, containers } });
  assert.ok(deployment !== null);
  const now = () => apps.deployments.book.get(tenant, 'shop', deployment.id);
  await until(() => now()?.endedAt !== null, { what: 'it ends' });
  return now()?.error?.code ?? now()?.state;
}
test('what came with credentials is used again by who has it, and by another only as the registry says', async (t) => {
  const platform = await opened(t);
  const { apps, images } = platform;
  assert.equal(await deploy(platform, 'acme'), 'image.auth', 'without credentials');
  await apps.registries.put({ tenant: 'acme', host: HOST, username: 'robot', password: 'p' });
  assert.equal(await deploy(platform, 'acme'), 'succeeded');
  assert.equal(await deploy(platform, 'acme'), 'succeeded', 'its own copy');
  assert.deepEqual([images.fetched, images.proofs], [[`nobody ${PRIVATE}`, `robot ${PRIVATE}`], []]);

  for (const pull of ['missing', 'never'] as const)
    assert.equal(await deploy(platform, 'evil', { pull }), 'image.auth');
  assert.deepEqual(images.proofs, [`nobody ${PRIVATE}`, `nobody ${PRIVATE}`]);
  assert.deepEqual(
    platform.ofShare('r1').filter((one) => one.key.startsWith('evil/')),
    [],
  );

  await apps.registries.put({ tenant: 'evil', host: HOST, username: 'stranger', password: 'p' });
  assert.equal(await deploy(platform, 'evil'), 'image.auth', 'with credentials that do not do');
  await apps.registries.put({ tenant: 'friend', host: HOST, username: 'robot', password: 'p' });
  assert.equal(await deploy(platform, 'friend'), 'succeeded');
  assert.equal(images.fetched.length, 2, 'nobody pulled again');
});

test('a copy that a pull of the tenant has just brought needs no other proof, before that pull has ended as well', async (t) => {
  const platform = await opened(t);
  const { apps, images } = platform;
  await apps.registries.put({ tenant: 'acme', host: HOST, username: 'robot', password: 'p' });
  const { promise, resolve } = Promise.withResolvers<void>();
  images.told = promise;
  const first = deploy(platform, 'acme');
  await until(() => images.fetched.length === 1, { what: 'it is pulled' });
  const second = deploy(platform, 'acme', { set: 'worker' });
  await until(() => images.fetched.length + images.proofs.length === 2, { what: 'the other found the copy' });
  resolve();
  assert.deepEqual([await first, await second], ['succeeded', 'succeeded']);
  assert.deepEqual(images.proofs, []);
});

test('an id, or a name of ours, is no way around the registry', async (t) => {
  const platform = await opened(t);
  const { apps } = platform;
  await apps.registries.put({ tenant: 'acme', host: HOST, username: 'robot', password: 'p' });
  assert.equal(await deploy(platform, 'acme'), 'succeeded');
  const set = apps.library.set('acme', 'shop', 'web');
  const pinned = apps.library.revision('acme', 'shop', 'web', set?.current ?? 0)?.images[1];
  // Ids of the platform are made of names; as a name, this one is an id of nothing else.
  const id = `sha256:${'0'.repeat(64)}`;
  assert.ok(pinned !== undefined);
  await apps.library.addRevision(set ?? assert.fail(), (now, number) => ({
    ...(apps.library.revision('acme', 'shop', 'web', now.current ?? 0) ?? assert.fail()),
    ...{ number, name: `r${number}`, images: { 1: { ...pinned, id } } },
  }));
  assert.equal(await deploy(platform, 'evil', { image: id }), 'image.auth');
  assert.equal(await deploy(platform, 'acme', { image: id }), 'succeeded');
  assert.equal(await deploy(platform, 'evil', { image: 'tidegate-kept:acme.shop.web' }), 'image.auth');
  assert.equal(await deploy(platform, 'evil', { image: 'docker.io/library/tidegate-kept:x' }), 'image.auth');
  assert.equal(
    await deploy(platform, 'evil', { image: 'public:1' }),
    'succeeded',
    'what is nobody’s secret is for all',
  );
});

test('that a repository is private, and its password, outlast a new start; the password rests sealed', async (t) => {
  const platform = new Platform();
  t.after(() => platform.close());
  const folder = mkdtempSync('/tmp/tidegate-registries-');
  const store = await openSqliteStore(folder);
  t.after(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const { registries } = await platform.open(store);
  await registries.put({ tenant: 'acme', host: HOST, username: 'robot', password: 'hunter2' });
  await registries.guard('registry.example/acme/shop');
  const kept = JSON.stringify(await store.documents('registry'));
  assert.match(kept, /robot/);
  assert.doesNotMatch(kept, /hunter2/);
  platform.apps.close();
  const again = (await platform.open(store)).registries;
  assert.deepEqual(await again.credentials('acme', HOST), { username: 'robot', password: 'hunter2' });
  assert.equal(await again.credentials('other', HOST), null);
  assert.ok(again.isGuarded('registry.example/acme/shop'));
  await store.changeDocuments(again.dropsOf('acme'));
  again.forgetTenant('acme');
  assert.deepEqual([again.list('acme'), await again.credentials('acme', HOST)], [[], null]);
});

test('a pull is told by events and by the operation, with its end', async (t) => {
  const platform = await opened(t);
  await platform.apps.registries.put({ tenant: 'acme', host: HOST, username: 'robot', password: 'p' });
  assert.equal(await deploy(platform, 'acme'), 'succeeded');
  assert.equal(await deploy(platform, 'other', { image: PRIVATE, pull: 'always' }), 'image.auth');
  const told = platform.events.filter(({ type }) => type.startsWith('image.'));
  const seen = told.map(({ type, tenant, set, data }) => [type, tenant, set, data?.container, data?.code]);
  assert.deepEqual(seen.slice(0, 2), [
    ['image.pulling', 'acme', 'web', 'main', undefined],
    ['image.pulled', 'acme', 'web', 'main', undefined],
  ]);
  const { operations } = platform.apps;
  const [operation] = operations.list('acme');
  assert.equal(told[0]?.correlationId, operation?.id);
  operations.tellPull(operation?.id ?? '', { container: 'main', done: 1, total: 2, ms: 3 });
  assert.equal(operations.list('acme')[0]?.pull, undefined, 'one that is over waits for nothing');
});
