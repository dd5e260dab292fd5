/** What replicas need, on a real Engine: images from a registry and our own, networks by the dozen, volumes. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { systemClock } from '#core/clock';
import { type ErrorCode, isTidegateError } from '#core/errors';
import { silentLog } from '#core/log';
import { openEngine } from '#docker/docker-engine';
import type { HostEngine, PullProgress } from '#docker/host-engine';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { TestRegistry } from '#test/support/registry';
import { until } from '#test/support/until';

const LABELS = { 'tidegate.app': 'shop' };

let testEngine: TestEngine;
let engine: HostEngine;

before(async () => {
  testEngine = await startTestEngine();
  engine = openEngine({ endpoint: testEngine.socket, host: 'h1', clock: systemClock, log: silentLog });
});
afterEach(async () => {
  await testEngine.reset();
  for (const { Id, RepoTags, RepoDigests } of await testEngine.docker.listImages()) {
    const isPulled = [...(RepoTags ?? []), ...(RepoDigests ?? [])].some((name) => name.startsWith('127.0.0.1:'));
    if (isPulled) await testEngine.docker.getImage(Id).remove({ force: true });
  }
});
after(async () => {
  engine?.close();
  await testEngine?.close();
});

function code(expected: ErrorCode) {
  return (error: unknown) => isTidegateError(error, expected);
}

async function hasImage(name: string): Promise<boolean> {
  return testEngine.docker
    .getImage(name)
    .inspect()
    .then(
      () => true,
      () => false,
    );
}

test('an image that is missing is pulled, once however many ask, and described', async () => {
  await using registry = await TestRegistry.start();
  registry.hold();
  const progress: PullProgress[] = [];
  const onProgress = (one: PullProgress) => progress.push(one);
  const asked = [
    engine.ensureImage(registry.image, { pull: 'missing', onProgress }),
    engine.ensureImage(registry.image, { pull: 'missing' }),
    engine.ensureImage(registry.image, { pull: 'always' }),
  ];
  await until(() => registry.layerRequests > 0, { what: 'the layer is asked for' });
  registry.release();
  const [image, ...others] = await Promise.all(asked);
  assert.deepEqual(others, [image, image]);
  assert.equal(registry.layerRequests, 1);
  assert.match(image?.id ?? '', /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual(
    { ...image, id: '' },
    {
      id: '',
      digest: registry.digest,
      exposedPorts: [80, 9000],
      entrypoint: ['/run'],
      cmd: ['it'],
      user: '7',
      healthcheck: {
        test: ['CMD-SHELL', 'true'],
        intervalMs: 5000,
        timeoutMs: 30_000,
        retries: 3,
        startPeriodMs: 0,
      },
      volumes: ['/data'],
    },
  );
  assert.deepEqual(progress.at(-1)?.layers, { done: 1, total: 1 });
});

test('one that is there is not asked for again, unless it is always to be; then the newest counts', async () => {
  await using registry = await TestRegistry.start();
  const first = await engine.ensureImage(registry.image, { pull: 'missing' });
  const pinned = registry.digest;
  registry.publish('second');
  const before = registry.asked.length;
  assert.equal((await engine.ensureImage(registry.image, { pull: 'missing' })).id, first.id);
  assert.equal((await engine.ensureImage(registry.image, { pull: 'never' })).id, first.id);
  assert.equal(registry.asked.length, before);
  const second = await engine.ensureImage(registry.image, { pull: 'always' });
  assert.notEqual(second.id, first.id);
  assert.equal((await engine.ensureImage(pinned, { pull: 'missing' })).id, first.id, 'a digest means what it meant');
  assert.equal((await engine.ensureImage(first.id, { pull: 'always' })).id, first.id, 'so does an id');
});

test('a pull that nobody waits for any more ends; one who leaves does not end it for others', async () => {
  await using registry = await TestRegistry.start();
  registry.hold();
  const controller = new AbortController();
  const left = engine.ensureImage(registry.image, { pull: 'missing', signal: controller.signal });
  const stays = engine.ensureImage(registry.image, { pull: 'missing' });
  await until(() => registry.layerRequests === 1, { what: 'the layer is asked for' });
  controller.abort(new Error('canceled'));
  await assert.rejects(left, /canceled/);
  registry.release();
  const { id } = await stays;
  await testEngine.docker.getImage(registry.image).remove();

  registry.hold();
  const again = new AbortController();
  const alone = engine.ensureImage(registry.image, { pull: 'missing', signal: again.signal });
  await until(() => registry.layerRequests === 2, { what: 'the layer is asked for again' });
  again.abort(new Error('canceled'));
  await assert.rejects(alone, /canceled/);
  registry.release();
  // Whoever wants it then gets it by a pull of his own.
  assert.equal((await engine.ensureImage(registry.image, { pull: 'missing' })).id, id);
});

test('an image that cannot be had says why', async () => {
  await using registry = await TestRegistry.start();
  const { address } = registry;
  const ask = (name: string, pull: 'missing' | 'never' = 'missing') => engine.ensureImage(name, { pull });
  await assert.rejects(ask(`${address}/shop/web:2`), code('image.not_found'));
  await assert.rejects(ask(`${address}/shop/private:1`), code('image.auth'));
  await assert.rejects(ask(registry.image, 'never'), code('image.not_found'));
  await assert.rejects(ask(`sha256:${'0'.repeat(64)}`), code('image.not_found'));
  await assert.rejects(ask('Not A Name'), code('image.not_found'));
  await registry[Symbol.asyncDispose]();
  const failure = await ask(`${address}/shop/web:3`).catch((error: unknown) => error);
  assert.ok(isTidegateError(failure, 'image.unreachable'));
  assert.match(String(failure.detail.said), /refused/);
});

test('an image that is kept outlives its tags, and goes with the last reason', async () => {
  await using registry = await TestRegistry.start();
  const { id } = await engine.ensureImage(registry.image, { pull: 'missing' });
  const reason = (revision: string) => `ins_1/${'t'.repeat(40)}/${'a'.repeat(40)}/${'s'.repeat(40)}/${revision}`;
  await engine.keepImage(id, reason('r1'));
  await engine.keepImage(id, reason('r1'));
  await engine.keepImage(id, reason('r2'));
  await testEngine.docker.getImage(registry.image).remove();
  await testEngine.docker.pruneImages({ filters: { dangling: ['true'] } });
  assert.ok(await hasImage(id));
  assert.equal(await engine.releaseImage(reason('r1')), 'removed');
  assert.ok(await hasImage(id));
  const container = await testEngine.docker.createContainer({ Image: id, name: 'holder' });
  assert.equal(await engine.releaseImage(reason('r2')), 'in-use');
  assert.ok(await hasImage(id));
  await container.remove();
  assert.equal(await engine.releaseImage(reason('r2')), 'removed');
  assert.equal(await hasImage(id), false);
  assert.equal(await engine.releaseImage(reason('r2')), 'gone');
  await assert.rejects(engine.keepImage(id, reason('r3')), code('image.not_found'));
});

test('the pause image is made once, is tiny, and comes back when somebody removed it', async () => {
  const [id, same] = await Promise.all([engine.ensurePauseImage(), engine.ensurePauseImage()]);
  assert.equal(same, id);
  const { Size, RepoTags } = await testEngine.docker.getImage(id).inspect();
  assert.ok(Size < 2048, `${Size} bytes`);
  assert.match(RepoTags[0] ?? '', /^tidegate\/pause:/);
  await testEngine.docker.getImage(RepoTags[0] ?? '').remove();
  const other = openEngine({ endpoint: testEngine.socket, host: 'h1', clock: systemClock, log: silentLog });
  assert.equal(await other.ensurePauseImage(), id);
  other.close();
});

test('there are networks for far more apps than the pools of the Engine hold', async () => {
  const names = Array.from({ length: 45 }, (_, n) => `tidegate-t-app${n}`);
  // Four at a time, as deployments come.
  for (let n = 0; n < names.length; n += 4) {
    const some = names.slice(n, n + 4);
    await Promise.all(some.map((name) => engine.ensureNetwork({ name, labels: LABELS })));
  }
  const networks = await engine.networks();
  assert.deepEqual(networks.map(({ name }) => name).sort(), names.toSorted());
  const inspected = await Promise.all(networks.map(({ id }) => testEngine.docker.getNetwork(id).inspect()));
  const subnets = inspected.map(({ IPAM }) => String(IPAM?.Config?.[0]?.Subnet));
  assert.equal(new Set(subnets).size, names.length);
  assert.ok(
    subnets.some((subnet) => /^10\.213\.\d+\.\d+\/26$/.test(subnet)),
    'the pools of the Engine were used up',
  );
  const [{ id } = { id: '' }] = networks.filter(({ name }) => name === names[0]);
  assert.equal(await engine.ensureNetwork({ name: names[0] ?? '', labels: LABELS }), id, 'one that is there is taken');
});

test('a network is made once by many at the same time, and removed when nothing is in it', async () => {
  const other = openEngine({ endpoint: testEngine.socket, host: 'h1', clock: systemClock, log: silentLog });
  const plan = { name: 'tidegate-t-shop', labels: LABELS };
  const ids = await Promise.all([engine, engine, other, other].map((one) => one.ensureNetwork(plan)));
  other.close();
  assert.equal(new Set(ids).size, 1);
  const container = await testEngine.docker.createContainer({
    Image: await engine.ensurePauseImage(),
    name: 'inside',
    HostConfig: { NetworkMode: plan.name },
  });
  await container.start();
  assert.equal(await engine.removeNetwork(plan.name), 'in-use');
  await container.stop();
  assert.equal(await engine.removeNetwork(plan.name), 'removed');
  assert.equal(await engine.removeNetwork(plan.name), 'gone');
});

test('a volume keeps its content until it is removed, which one in use is not', async () => {
  const plan = { name: 'tidegate-t-shop-data', labels: LABELS };
  await engine.ensureVolume(plan);
  await engine.ensureVolume(plan);
  assert.deepEqual(await engine.volumes(), [{ id: plan.name, ...plan }]);
  const container = await testEngine.docker.createContainer({
    Image: await engine.ensurePauseImage(),
    name: 'holder',
    HostConfig: { Binds: [`${plan.name}:/data`] },
  });
  assert.equal(await engine.removeVolume(plan.name), 'in-use');
  await container.remove();
  assert.equal(await engine.removeVolume(plan.name), 'removed');
  assert.equal(await engine.removeVolume(plan.name), 'gone');
});

test('a name that two apps come to is had by the first of them alone', async () => {
  const plan = { name: 'tidegate-a-b-c', labels: { 'tidegate.tenant': 'a', 'tidegate.app': 'b-c' } };
  const other = { name: plan.name, labels: { 'tidegate.tenant': 'a-b', 'tidegate.app': 'c' } };
  await engine.ensureNetwork(plan);
  await engine.ensureVolume(plan);
  await assert.rejects(engine.ensureNetwork(other), code('engine.not_ours'));
  await assert.rejects(engine.ensureVolume(other), code('engine.not_ours'));
});

test('what somebody else made is neither taken nor removed', async () => {
  await testEngine.docker.createVolume({ Name: 'theirs' });
  await testEngine.docker.createNetwork({ Name: 'theirs' });
  const plan = { name: 'theirs', labels: LABELS };
  for (const refused of [
    () => engine.ensureVolume(plan),
    () => engine.removeVolume('theirs'),
    () => engine.ensureNetwork(plan),
    () => engine.removeNetwork('theirs'),
  ]) {
    await assert.rejects(refused, code('engine.not_ours'));
  }
  assert.deepEqual([await engine.volumes(), await engine.networks()], [[], []]);
  assert.equal((await testEngine.docker.listVolumes()).Volumes.length, 1);
});
