/** Wishes that cross deployments on their way: none is acknowledged and lost, and none brings back what was given up. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { type DeploymentRecord, hasEnded, type Strategy } from '#apps/deployment-record';
import { scaledIn } from '#apps/scale-bounds';
import { setKey } from '#core/set';
import type { SetSpec } from '#core/set-spec';
import { until } from '#test/support/until';
import { Platform, specOf } from './support/platform.ts';

const KEY = setKey('acme', 'shop', 'web');
const ASKER = { tenant: 'acme', by: 'op_1' };

let platform: Platform;

beforeEach(async () => {
  platform = new Platform();
  await platform.open();
});
afterEach(() => platform.close());

function put(spec: SetSpec, strategy: Strategy = 'rolling') {
  return platform.apps.putSet({ ...ASKER, app: 'shop', set: 'web', spec, cause: 'a test', strategy });
}

function setNow() {
  const set = platform.apps.library.set('acme', 'shop', 'web');
  assert.ok(set !== null);
  return set;
}

async function ended(deployment: DeploymentRecord | null): Promise<DeploymentRecord> {
  assert.ok(deployment !== null);
  return await until(() => {
    const now = platform.apps.deployments.book.get('acme', 'shop', deployment.id);
    return now !== null && hasEnded(now.state) ? now : null;
  });
}

function imageInForce(): string | undefined {
  const { current } = setNow();
  return platform.apps.library.revision('acme', 'shop', 'web', current ?? 0)?.spec.containers[0]?.image;
}

const route = (hostname: string) => ({ 'tidegate.route.r0.host': hostname });

suite('policy', () => {
  test('that was changed in place outlives a restart and going back', async () => {
    await ended((await put(specOf('shop:1', route('old.example')))).deployment);
    await ended((await put(specOf('shop:2', route('old.example')))).deployment);
    assert.equal((await put(specOf('shop:2', route('new.example')))).deployment, null);
    const hostname = () => platform.inForce(KEY)?.labels['tidegate.route.r0.host'];
    assert.equal(hostname(), 'new.example');
    await ended(await platform.apps.revisions.restart(ASKER, 'shop', [setNow()]));
    assert.equal(hostname(), 'new.example');
    const first = platform.apps.library.revision('acme', 'shop', 'web', 1);
    assert.ok(first !== null);
    await ended(await platform.apps.revisions.activate(ASKER, setNow(), first, 'rolling'));
    assert.deepEqual([imageInForce(), hostname()], ['shop:1', 'new.example']);
    assert.equal(setNow().spec.labels['tidegate.route.r0.host'], 'new.example');
  });

  test('of a set that has never been in force is that of its newest spec', async () => {
    platform.crashing.add('shop:bad');
    await ended((await put(specOf('shop:bad', { 'tidegate.health.path': '/wrong' }))).deployment);
    const { deployment } = await put(specOf('shop:1', { 'tidegate.health.path': '/right' }));
    assert.equal(platform.inForce(KEY)?.labels['tidegate.health.path'], '/right');
    assert.equal((await ended(deployment)).state, 'succeeded');
  });
});

suite('while a deployment is under way', () => {
  beforeEach(async () => {
    await ended((await put(specOf('shop:1'))).deployment);
    platform.silent.add('shop:2');
  });

  async function underWay(): Promise<DeploymentRecord> {
    const { deployment } = await put(specOf('shop:2'));
    assert.ok(deployment !== null);
    await until(() => platform.ofShare('r2').length === 1);
    return deployment;
  }

  function letPass(): void {
    platform.silent.clear();
    for (const one of platform.replicas.values()) one.phase = 'ready';
    platform.apps.seen(KEY);
  }

  test('a wish for what is in force now goes back on what is on its way', async () => {
    const first = await underWay();
    const { deployment } = await put(specOf('shop:1'));
    assert.ok(deployment !== null, 'it was acknowledged without anything to bring it about');
    letPass();
    assert.equal((await ended(first)).state, 'succeeded');
    assert.equal((await ended(deployment)).state, 'succeeded');
    assert.equal(imageInForce(), 'shop:1');
  });

  test('policy of what is on its way is in force at once and stays so', async () => {
    const first = await underWay();
    const { deployment } = await put(specOf('shop:2', route('new.example')));
    assert.equal(deployment, null);
    assert.equal(platform.inForce(KEY)?.labels['tidegate.route.r0.host'], 'new.example');
    letPass();
    await ended(first);
    assert.equal(platform.inForce(KEY)?.labels['tidegate.route.r0.host'], 'new.example');
  });

  test('a restart makes anew what is in force when its turn comes, and drops nobody who waits', async () => {
    const first = await underWay();
    const waiting = (await put(specOf('shop:3'))).deployment;
    const restart = await platform.apps.revisions.restart(ASKER, 'shop', [setNow()]);
    letPass();
    assert.equal((await ended(first)).state, 'succeeded');
    assert.equal((await ended(waiting)).state, 'succeeded');
    assert.equal((await ended(restart)).state, 'succeeded');
    assert.equal(imageInForce(), 'shop:3');
  });

  test('one that is canceled between a kill and its being taken up again puts back what was', async () => {
    const first = await underWay();
    await platform.kill();
    platform.beginsAtOnce = false;
    await platform.open();
    assert.equal(await platform.apps.deployments.wish(first, 'cancel'), true);
    await platform.apps.begin();
    assert.equal((await ended(first)).state, 'canceled');
    assert.deepEqual(
      platform.inForce(KEY)?.shares.map((one) => [one.revision, one.weight, one.held]),
      [['r1', 100, false]],
    );
  });

  test('bounds that somebody scaled are given up for those of a spec that comes into force, not for one that does not', async () => {
    const bounds = (max: number) => ({ 'tidegate.scale.max': String(max) });
    const scaled = () => {
      const { spec, labels, scaled: kept } = setNow();
      return [spec.labels['tidegate.scale.max'], labels['tidegate.scale.max'], scaledIn({ scaled: kept }, spec)?.by];
    };
    await platform.apps.scale.rescale(ASKER, setNow(), { max: 6 }, []);
    assert.deepEqual(scaled(), ['6', '6', 'op_1']);
    const failing = (await put(specOf('shop:2', bounds(9)))).deployment;
    assert.ok(failing !== null);
    await until(() => platform.ofShare('r2').length === 1);
    assert.equal(await platform.apps.deployments.wish(failing, 'cancel'), true);
    assert.equal((await ended(failing)).state, 'canceled');
    assert.deepEqual(scaled(), ['6', '6', 'op_1'], 'a file that came to nothing undid what somebody had scaled');
    letPass();
    await ended((await put(specOf('shop:3', bounds(9)))).deployment);
    assert.deepEqual(scaled(), ['9', '9', undefined]);
    await ended((await put(specOf('shop:4', bounds(6)))).deployment);
    assert.deepEqual(scaled(), ['6', '6', undefined], 'the same number again is what the file says');
  });

  test('an app that is stopped takes new revisions without proof, and makes nothing', async () => {
    const app = platform.apps.library.app('acme', 'shop');
    assert.ok(app !== null);
    await platform.apps.setStopped(ASKER, app, true);
    const { deployment } = await put(specOf('shop:2'));
    assert.equal((await ended(deployment)).state, 'succeeded');
    assert.equal(imageInForce(), 'shop:2');
  });
});

test('class data is never two at a time, whatever strategy is asked for', async () => {
  const data = (image: string): SetSpec => ({ ...specOf(image, { 'tidegate.class': 'data' }), class: 'data' });
  await ended((await put(data('db:1'))).deployment);
  let both = false;
  const look = setInterval(() => {
    both ||= platform.ofShare('r1').length > 0 && platform.ofShare('r2').length > 0;
  }, 0);
  assert.equal((await ended((await put(data('db:2'), 'bluegreen')).deployment)).state, 'succeeded');
  clearInterval(look);
  assert.equal(both, false);
});

test('members that end right after they were put in place make room for those of before', async () => {
  await ended((await put(specOf('shop:1'))).deployment);
  platform.crashing.add('agent:bad');
  const spec = specOf('shop:1');
  const [main, agent] = spec.containers;
  assert.ok(main !== undefined && agent !== undefined);
  const record = await platform.apps.deploy({
    ...{ tenant: 'acme', app: 'shop', by: 'op_1', strategy: 'member', steps: [], members: [2], cause: 'a test' },
    turns: [{ set: 'web', spec: { ...spec, containers: [main, { ...agent, image: 'agent:bad' }] }, revision: null }],
    readyWithinMs: 2000,
  });
  const end = await ended(record);
  assert.equal(end.state, 'failed', JSON.stringify(end));
  assert.equal(platform.ofShare('r1')[0]?.members.agent, 'sha256:agent:1');
  assert.equal(setNow().current, 1);
});
