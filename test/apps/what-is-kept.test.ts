/** What is kept of a deployment that came to nothing, of one that was held when Tidegate ended, and of values of secrets. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { type DeploymentRecord, hasEnded } from '#apps/deployment-record';
import { TidegateError } from '#core/errors';
import { setKey } from '#core/set';
import { FakeClock } from '#test/support/fake-clock';
import { until } from '#test/support/until';
import { Platform, specOf } from './support/platform.ts';

const KEY = setKey('acme', 'shop', 'web');
const ASKER = { tenant: 'acme', by: 'op_1' };
const HOLD_MS = 60_000;

let platform: Platform;

beforeEach(() => {
  platform = new Platform();
});
afterEach(() => platform.close());

function put(image: string, labels: Readonly<Record<string, string>> = {}) {
  const wish = { ...ASKER, app: 'shop', set: 'web', cause: 'a test', strategy: 'rolling' as const };
  return platform.apps.putSet({ ...wish, spec: specOf(image, labels) });
}

async function ended(deployment: DeploymentRecord | null): Promise<DeploymentRecord> {
  assert.ok(deployment !== null);
  return await until(() => {
    const now = platform.apps.deployments.book.get('acme', 'shop', deployment.id);
    return now !== null && hasEnded(now.state) ? now : null;
  });
}

function wished() {
  const { spec, labels } = platform.apps.library.set('acme', 'shop', 'web') ?? {};
  return {
    image: spec?.containers[0]?.image,
    max: spec?.labels['tidegate.scale.max'],
    held: labels?.['tidegate.scale.max'],
  };
}

suite('a deployment that came to nothing', () => {
  beforeEach(() => platform.open());

  test('is not what the next one begins from: the set is wished as it is in force', async () => {
    await ended((await put('shop:1')).deployment);
    platform.crashing.add('shop:bad');
    const failed = await ended((await put('shop:bad', { 'tidegate.scale.max': '5' })).deployment);
    assert.equal(failed.state, 'failed');
    assert.deepEqual(wished(), { image: 'shop:1', max: undefined, held: undefined });
    assert.equal(failed.turns[0]?.spec?.containers[0]?.image, 'shop:bad', 'what it was stays readable');
    await platform.kill();
    await platform.open();
    assert.deepEqual(wished(), { image: 'shop:1', max: undefined, held: undefined });
  });

  test('takes nothing back of the policy that was changed meanwhile', async () => {
    await ended((await put('shop:1')).deployment);
    platform.silent.add('shop:silent');
    const { deployment } = await put('shop:silent');
    await until(() => platform.ofShare('r2').length > 0);
    assert.equal((await put('shop:silent', { 'tidegate.scale.max': '4' })).deployment, null);
    assert.ok(deployment !== null && (await platform.apps.deployments.wish(deployment, 'abort')));
    assert.equal((await ended(deployment)).state, 'rolled-back');
    assert.deepEqual(wished(), { image: 'shop:1', max: '4', held: '4' });
  });

  test('the first of a set leaves its wish: there is nothing else to go back to', async () => {
    platform.crashing.add('shop:bad');
    await ended((await put('shop:bad')).deployment);
    assert.equal(wished().image, 'shop:bad');
  });

  test('leaves the wish of a newer one alone', async () => {
    await ended((await put('shop:1')).deployment);
    platform.silent.add('shop:silent');
    const first = await put('shop:silent');
    await until(() => platform.ofShare('r2').length > 0);
    const second = await put('shop:3');
    assert.ok(first.deployment !== null && (await platform.apps.deployments.wish(first.deployment, 'cancel')));
    assert.equal((await ended(second.deployment)).state, 'succeeded');
    assert.equal(wished().image, 'shop:3');
  });
});

test('a step of a canary that was watched before a restart is watched for the rest of its time', async () => {
  const clock = new FakeClock();
  platform.clock = clock;
  await platform.open();
  // Whoever looks again after a while is let look, without the time of a step passing much.
  const settle = async (is: () => boolean): Promise<void> => {
    for (let i = 0; i < 500 && !is(); i++) {
      await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(1);
    }
    assert.ok(is());
  };
  const stateOf = () => platform.apps.deployments.book.list('acme', 'shop')[0]?.state;
  await put('shop:1');
  await settle(() => stateOf() === 'succeeded');
  await platform.apps.deploy({
    ...{ tenant: 'acme', app: 'shop', by: 'op_1', cause: 'a test', readyWithinMs: 5000, members: [] },
    ...{ strategy: 'canary', steps: [{ weight: 10, holdMs: HOLD_MS }] },
    turns: [{ set: 'web', spec: specOf('shop:2'), revision: null }],
  });
  await settle(() => stateOf() === 'holding');
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 1000) {
      await clock.advance(1000);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  await pass(40_000);
  assert.equal(stateOf(), 'holding');
  await platform.kill();
  await platform.open();
  await settle(() => stateOf() === 'holding');
  await pass(30_000);
  await settle(() => stateOf() === 'succeeded');
});

suite('the value of a secret', () => {
  beforeEach(() => platform.open());

  async function made(share: string): Promise<string | undefined> {
    const known = new Set(platform.replicas.keys());
    await platform.apps.factory.make(KEY, share);
    return [...platform.replicas.values()].find((one) => !known.has(one.id))?.plan.members[0]?.env.KEY;
  }

  const restart = () => platform.apps.revisions.restart(ASKER, 'shop', platform.apps.library.sets('acme', 'shop'));

  test('is the same in all replicas of a revision, whenever they are made; the next revision has the new one', async () => {
    await platform.apps.putApp(ASKER, 'shop', {});
    await platform.apps.putSecret(ASKER, 'shop', 'KEY', 'first');
    await ended((await put('shop:1')).deployment);
    await platform.apps.putSecret(ASKER, 'shop', 'KEY', 'second');
    assert.equal(await made('r1'), 'first');
    await ended(await restart());
    assert.equal(await made('r2'), 'second');
    assert.equal(await platform.apps.library.dropSecret('acme', 'shop', 'KEY'), true);
    assert.equal(await made('r2'), 'second');
    await platform.kill();
    await platform.open();
    assert.deepEqual([await made('r1'), await made('r2')], ['first', 'second']);
    await ended(await restart());
    assert.equal(await made('r3'), undefined);
  });

  test('is kept no longer than a revision that was made with it', async () => {
    await platform.apps.putApp(ASKER, 'shop', {});
    await platform.apps.putSecret(ASKER, 'shop', 'KEY', 'unused');
    await platform.apps.putSecret(ASKER, 'shop', 'KEY', 'first');
    assert.equal(await platform.apps.library.secret('acme', 'shop', 'KEY', 0), null);
    await ended((await put('shop:1')).deployment);
    const [revision] = platform.apps.library.revisions('acme', 'shop', 'web');
    const version = revision?.secretVersions?.KEY;
    await platform.apps.putSecret(ASKER, 'shop', 'KEY', 'second');
    assert.notEqual(await platform.apps.library.secret('acme', 'shop', 'KEY', version), null);
    for (let i = 0; i < 10; i++) await ended(await restart());
    assert.equal(await platform.apps.library.secret('acme', 'shop', 'KEY', version), null);
  });
});

test('a revision that proved itself stays in force when an old one cannot be dropped; that one goes with the next', async () => {
  await platform.open();
  await ended((await put('shop:1')).deployment);
  const numbers = (): readonly number[] =>
    platform.apps.library.revisions('acme', 'shop', 'web').map((one) => one.number);
  for (let cpu = 2; cpu <= 10; cpu++) {
    const spec = { ...specOf('shop:1'), resources: { ...specOf('shop:1').resources, cpu } };
    await platform.apps.putSet({ ...ASKER, app: 'shop', set: 'web', cause: 'a test', strategy: 'rolling', spec });
  }
  assert.equal(numbers().length, 10);
  const refused = Promise.reject(new TidegateError('store.failed', 'the disk is full'));
  refused.catch(() => {});
  platform.slow = { is: (changes) => changes.includes('"drop":true'), until: refused };
  const { state, error } = await ended((await put('shop:2')).deployment);
  assert.deepEqual([state, error], ['succeeded', null]);
  assert.equal(platform.apps.library.set('acme', 'shop', 'web')?.current, 11);
  assert.equal(numbers().length, 11);
  platform.slow = null;
  await ended((await put('shop:3')).deployment);
  assert.equal(numbers()[0], 3);
});

test('what is in force stays so when it cannot be written at once that its turn is done', async () => {
  const clock = new FakeClock();
  platform.clock = clock;
  await platform.open();
  await ended((await put('shop:1')).deployment);
  let refusals = 0;
  const refused = Promise.reject(new TidegateError('store.failed', 'the disk is full'));
  refused.catch(() => {});
  platform.slow = { is: (changes) => changes.includes('"done":true') && refusals++ === 0, until: refused };
  const { deployment } = await put('shop:2');
  await until(() => refusals > 0);
  const shares = () => platform.inForce(KEY)?.shares.map((one) => [one.revision, one.weight]);
  const now = () => platform.apps.deployments.book.get('acme', 'shop', deployment?.id ?? '');
  await until(async () => {
    await clock.advance(1000);
    return now()?.endedAt !== null;
  });
  assert.equal(now()?.state, 'succeeded');
  assert.deepEqual(shares(), [['r2', 100]]);
  assert.equal(platform.apps.library.set('acme', 'shop', 'web')?.current, 2);
});

for (const strategy of ['rolling', 'member'] as const) {
  test(`what is in force stays so when its deployment is canceled before that could be written: ${strategy}`, async () => {
    const clock = new FakeClock();
    platform.clock = clock;
    await platform.open();
    const deploy = async (image: string, members: readonly number[]): Promise<DeploymentRecord> => {
      const turns = ['web', 'api'].map((set) => ({ set, spec: specOf(image), revision: null }));
      const how = { strategy: members.length > 0 ? ('member' as const) : ('rolling' as const), steps: [], members };
      return await platform.apps.deploy({
        ...ASKER,
        app: 'shop',
        cause: 'a test',
        turns,
        readyWithinMs: 60_000,
        ...how,
      });
    };
    const over = async (id: string): Promise<DeploymentRecord> =>
      await until(async () => {
        await clock.advance(1000);
        const now = platform.apps.deployments.book.byId(id);
        return now !== null && hasEnded(now.state) ? now : null;
      });
    for (const set of ['web', 'api']) {
      const wish = {
        ...ASKER,
        app: 'shop',
        set,
        spec: specOf('shop:1'),
        cause: 'a test',
        strategy: 'rolling' as const,
      };
      await over((await platform.apps.putSet(wish)).deployment?.id ?? '');
    }
    let refusals = 0;
    const refused = Promise.reject(new TidegateError('store.failed', 'the disk is full'));
    refused.catch(() => {});
    platform.slow = { is: (changes) => changes.includes('"done":true') && refusals++ === 0, until: refused };
    const deployment = await deploy('shop:2', strategy === 'member' ? [1] : []);
    await until(async () => {
      await clock.advance(200);
      return refusals > 0;
    });
    const now = platform.apps.deployments.book.byId(deployment.id);
    assert.ok(now !== null);
    assert.equal(await platform.apps.deployments.wish(now, 'cancel'), true);
    assert.equal((await over(deployment.id)).state, 'canceled');
    const stateOf = (set: string) => {
      const kept = platform.apps.library.set('acme', 'shop', set);
      const serves = platform.inForce(setKey('acme', 'shop', set))?.shares.map((one) => [one.revision, one.weight]);
      const image = kept?.spec.containers[0]?.image;
      const runs = [...platform.replicas.values()].filter((one) => one.key === setKey('acme', 'shop', set));
      return { current: kept?.current, serves, image, main: runs.map((one) => one.members.main) };
    };
    const share = strategy === 'member' ? 'r1' : 'r2';
    const web = { current: 2, serves: [[share, 100]], image: 'shop:2', main: ['sha256:shop:2'] };
    await until(() => stateOf('web').main.length === 1);
    assert.deepEqual(stateOf('web'), web);
    assert.deepEqual(stateOf('api'), { current: 1, serves: [['r1', 100]], image: 'shop:1', main: ['sha256:shop:1'] });
  });
}
