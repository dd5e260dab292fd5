/** Deployments on a platform of nothing: what is in force at every moment, and after a kill at every write. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, suite, test } from 'node:test';
import type { DeploymentRecord, Strategy } from '#apps/deployment-record';
import { hasEnded } from '#apps/deployment-record';
import { setKey } from '#core/set';
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

function put(image: string, strategy: Strategy = 'rolling') {
  const wish = { ...ASKER, app: 'shop', set: 'web', spec: specOf(image), cause: 'a test', strategy };
  return platform.apps.putSet(wish);
}

async function ended(deployment: DeploymentRecord | null): Promise<DeploymentRecord> {
  assert.ok(deployment !== null);
  return await until(() => {
    const now = platform.apps.deployments.book.get('acme', 'shop', deployment.id);
    return now !== null && hasEnded(now.state) ? now : null;
  });
}

function weights(): string {
  return (platform.inForce(KEY)?.shares ?? []).map((one) => `${one.revision}=${one.weight}`).join(' ');
}

suite('a deployment', () => {
  test('the first one makes one replica, and is in force when that is ready', async () => {
    const { deployment, created } = await put('shop:1');
    assert.equal(created, true);
    assert.equal((await ended(deployment)).state, 'succeeded');
    assert.equal(weights(), 'r1=100');
    assert.equal(platform.ofShare('r1').length, 1);
    const operation = platform.apps.operations.get('acme', deployment?.operation ?? '');
    assert.equal(operation?.state, 'succeeded');
    assert.deepEqual(operation?.result, { deployment: deployment?.id, revisions: { web: 'r1' } });
  });

  test('of what listens on no port is in force when its replicas have run on for a while', async () => {
    platform.portless.add('worker:1');
    assert.equal((await ended((await put('worker:1')).deployment)).state, 'succeeded');
    platform.crashing.add('worker:2');
    assert.equal((await ended((await put('worker:2')).deployment)).error?.code, 'replica.crashed');
    assert.equal(weights(), 'r1=100');
  });

  for (const strategy of ['rolling', 'bluegreen', 'canary'] as const) {
    test(`${strategy}: no moment without as many ready replicas as are wanted, and the old ones go at last`, async () => {
      platform.awake = 3;
      await ended((await put('shop:1')).deployment);
      await until(() => platform.ofShare('r1').length === 3);
      let fewest = Number.POSITIVE_INFINITY;
      const look = setInterval(() => {
        const ready = [...platform.replicas.values()].filter((one) => one.phase === 'ready').length;
        fewest = Math.min(fewest, ready);
      }, 0);
      const steps =
        strategy === 'canary'
          ? [
              { weight: 10, holdMs: 20 },
              { weight: 50, holdMs: 20 },
            ]
          : [];
      const draft = { strategy, steps, members: [], cause: 'a test', readyWithinMs: 5000 };
      const record = await platform.apps.deploy({
        ...{ tenant: 'acme', app: 'shop', by: 'op_1', turns: [{ set: 'web', spec: specOf('shop:2'), revision: null }] },
        ...draft,
      });
      assert.equal((await ended(record)).state, 'succeeded');
      clearInterval(look);
      assert.equal(weights(), 'r2=100');
      await until(() => platform.ofShare('r1').length === 0 && platform.ofShare('r2').length === 3);
      assert.ok(fewest >= 3, `at one moment ${fewest} replicas were ready`);
      // Nobody is ever sent to a revision of which nothing was ready.
      const moves = platform.declared.slice(
        platform.declared.findIndex(({ shares }) => shares.some((one) => one.revision === 'r2')),
      );
      assert.ok(moves.every(({ shares }) => shares.some((one) => one.weight > 0)));
    });
  }

  test('recreate: the old ones are gone before a new one is made', async () => {
    await ended((await put('shop:1')).deployment);
    let both = false;
    const look = setInterval(() => {
      both ||= platform.ofShare('r1').length > 0 && platform.ofShare('r2').length > 0;
    }, 0);
    assert.equal((await ended((await put('shop:2', 'recreate')).deployment)).state, 'succeeded');
    clearInterval(look);
    assert.equal(both, false);
    assert.equal(weights(), 'r2=100');
  });

  test('an image that is not there: what was before serves on, and the reason is told', async () => {
    await ended((await put('shop:1')).deployment);
    platform.missing.add('shop:none');
    const record = await ended((await put('shop:none')).deployment);
    assert.equal(record.state, 'failed');
    assert.equal(record.error?.code, 'image.not_found');
    assert.equal(record.error?.phase, 'resolving');
    assert.equal(weights(), 'r1=100');
    assert.equal(platform.ofShare('r1').length, 1);
  });

  test('a revision whose replicas crash is given up at once, and its replicas go', async () => {
    await ended((await put('shop:1')).deployment);
    platform.crashing.add('shop:bad');
    const record = await ended((await put('shop:bad')).deployment);
    assert.equal(record.state, 'failed');
    assert.equal(record.error?.code, 'replica.crashed');
    assert.equal(weights(), 'r1=100');
    await until(() => platform.ofShare('r2').length === 0);
    assert.ok(
      platform.declared.every(({ shares }) => shares.every((one) => one.revision !== 'r2' || one.weight === 0)),
    );
  });

  test('one that never answers is given up when its time is over', async () => {
    await ended((await put('shop:1')).deployment);
    platform.silent.add('shop:mute');
    const record = await platform.apps.deploy({
      ...{ tenant: 'acme', app: 'shop', by: 'op_1', strategy: 'rolling', steps: [], members: [], cause: 'a test' },
      turns: [{ set: 'web', spec: specOf('shop:mute'), revision: null }],
      readyWithinMs: 100,
    });
    const now = await ended(record);
    assert.equal(now.error?.code, 'replica.not_ready');
    assert.equal(weights(), 'r1=100');
  });

  test('a canceled one puts back what was', async () => {
    await ended((await put('shop:1')).deployment);
    platform.silent.add('shop:mute');
    const { deployment } = await put('shop:mute');
    assert.ok(deployment !== null);
    await until(() => platform.ofShare('r2').length === 1);
    assert.equal(await platform.apps.deployments.wish(deployment, 'cancel'), true);
    assert.equal((await ended(deployment)).state, 'canceled');
    assert.equal(weights(), 'r1=100');
    assert.equal(await platform.apps.deployments.wish(deployment, 'cancel'), false);
  });

  test('of those that wait for the same set only the newest has its turn', async () => {
    await ended((await put('shop:1')).deployment);
    platform.silent.add('shop:mute');
    const first = (await put('shop:mute')).deployment;
    await until(() => platform.ofShare('r2').length === 1);
    const second = (await put('shop:3')).deployment;
    const third = (await put('shop:4')).deployment;
    assert.equal((await ended(second)).state, 'superseded');
    assert.ok(first !== null);
    await platform.apps.deployments.wish(first, 'cancel');
    assert.equal((await ended(third)).state, 'succeeded');
    assert.equal(platform.ofShare('r3')[0]?.members.main, 'sha256:shop:4');
  });

  test('going back takes the old revision up again and pulls nothing', async () => {
    await ended((await put('shop:1')).deployment);
    await ended((await put('shop:2')).deployment);
    const set = platform.apps.library.set('acme', 'shop', 'web');
    const revision = platform.apps.library.revision('acme', 'shop', 'web', 1);
    assert.ok(set !== null && revision !== null);
    platform.pulled.length = 0;
    await ended(await platform.apps.revisions.activate(ASKER, set, revision, 'rolling'));
    assert.equal(weights(), 'r1=100');
    assert.ok(platform.pulled.every((one) => one.startsWith('sha256:')));
    assert.equal(platform.apps.library.set('acme', 'shop', 'web')?.current, 1);
  });

  test('member: the listed containers are replaced where they are, and all others stay', async () => {
    platform.awake = 2;
    await ended((await put('shop:1')).deployment);
    const before = platform.ofShare('r1').map((one) => one.id);
    const spec = specOf('shop:ignored');
    const [main, agent] = spec.containers;
    assert.ok(main !== undefined && agent !== undefined);
    const record = await platform.apps.deploy({
      ...{ tenant: 'acme', app: 'shop', by: 'op_1', strategy: 'member', steps: [], members: [2], cause: 'a test' },
      turns: [{ set: 'web', spec: { ...spec, containers: [main, { ...agent, image: 'agent:2' }] }, revision: null }],
      readyWithinMs: 5000,
    });
    assert.equal((await ended(record)).state, 'succeeded');
    assert.deepEqual(
      platform.ofShare('r1').map((one) => one.id),
      before,
    );
    for (const one of platform.ofShare('r1'))
      assert.deepEqual(one.members, { main: 'sha256:shop:1', agent: 'sha256:agent:2' });
    assert.equal(platform.apps.library.set('acme', 'shop', 'web')?.current, 2);
  });

  test('limits are changed while everything runs, and policy without a deployment', async () => {
    await ended((await put('shop:1')).deployment);
    const replicas = [...platform.replicas.keys()];
    const spec = { ...specOf('shop:1'), resources: { cpu: 2, memory: 256 * 1024 * 1024 } };
    const resized = await platform.apps.putSet({
      ...ASKER,
      app: 'shop',
      set: 'web',
      spec,
      cause: 'a test',
      strategy: 'rolling',
    });
    assert.equal(resized.deployment, null);
    assert.deepEqual(platform.resized, replicas);
    const labels = { ...spec.labels, 'tidegate.scale.max': '4' };
    const wish = {
      ...ASKER,
      app: 'shop',
      set: 'web',
      spec: { ...spec, labels },
      cause: 'a test',
      strategy: 'rolling' as const,
    };
    assert.equal((await platform.apps.putSet(wish)).deployment, null);
    assert.equal(platform.inForce(KEY)?.labels['tidegate.scale.max'], '4');
    assert.deepEqual([...platform.replicas.keys()], replicas);
  });
});

test('a store that takes nothing for a while is not asked on and on, and the deployment comes to its end after it', async () => {
  await ended((await put('shop:1')).deployment);
  platform.silent.add('shop:mute');
  const { deployment } = await put('shop:mute');
  await until(() => platform.ofShare('r2').length === 1);
  platform.refusesWrites = true;
  for (const one of platform.ofShare('r2')) one.phase = 'ready';
  platform.apps.seen(KEY);
  await until(() => platform.refused > 0);
  const refused = platform.refused;
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(platform.refused <= refused + 5, `asked ${platform.refused} times`);
  assert.equal(platform.inForce(KEY)?.shares.find((one) => one.revision === 'r1')?.weight, 1);
  platform.refusesWrites = false;
  assert.equal((await ended(deployment)).state, 'succeeded');
  assert.equal(weights(), 'r2=100');
});

test('many restarts and resizes leave ten revisions, and the image of the one in force is kept', async () => {
  await ended((await put('shop:1')).deployment);
  const again = async () => {
    const set = platform.apps.library.set('acme', 'shop', 'web');
    assert.ok(set !== null);
    await ended(await platform.apps.revisions.restart(ASKER, 'shop', [set]));
  };
  for (let i = 0; i < 8; i++) {
    await again();
    const resources = { cpu: 2 + i, memory: 256 * 1024 * 1024 };
    const wish = { ...ASKER, app: 'shop', set: 'web', cause: 'a test', strategy: 'rolling' as const };
    assert.equal((await platform.apps.putSet({ ...wish, spec: { ...specOf('shop:1'), resources } })).deployment, null);
  }
  assert.equal(platform.apps.library.revisions('acme', 'shop', 'web').length, 10);
  assert.equal(platform.released.length, 0);
  for (let i = 0; i < 11; i++) await ended((await put(`shop:${i + 2}`)).deployment);
  // The one that no revision has any more; the agent is that of all.
  assert.ok(
    platform.released.some((one) => one.endsWith('.shop:1')),
    JSON.stringify(platform.released),
  );
  assert.ok(platform.released.every((one) => !one.includes('agent')));
});

suite('after a kill', () => {
  test('whichever write was the last, the next start brings the deployment to its end', async () => {
    for (let writes = 1; writes < 40; writes++) {
      const scene = new Platform();
      platform = scene;
      await scene.open();
      scene.awake = 2;
      await ended((await put('shop:1')).deployment);
      scene.killAfterWrites(writes);
      // A kill before the answer: who asked does not know, and nothing was promised.
      const asked = put('shop:2').catch(() => null);
      await Promise.race([asked, until(() => scene.isKilled)]);
      await until(() => scene.isKilled || isQuiet());
      const finished = !scene.isKilled;
      await scene.kill();
      await scene.open();
      await until(isQuiet);
      const [newest] = scene.apps.deployments.book.list('acme', 'shop');
      assert.equal(newest?.state, 'succeeded', `after ${writes} writes`);
      const current = scene.apps.library.set('acme', 'shop', 'web')?.current;
      const made = scene.apps.library.revisions('acme', 'shop', 'web').map(({ name }) => name);
      assert.ok(made.length <= 2, `after ${writes} writes it made ${made}`);
      assert.equal(weights(), `r${current}=100`, `after ${writes} writes`);
      // What is wished for is in force: nothing was kept that nobody brings about.
      const wished = scene.apps.library.set('acme', 'shop', 'web')?.spec.containers[0]?.image;
      assert.equal(scene.ofShare(`r${current}`)[0]?.members.main, `sha256:${wished}`, `after ${writes} writes`);
      await until(() => [...scene.replicas.values()].every((one) => one.share === `r${current}`));
      await scene.close();
      if (finished) return;
    }
    assert.fail('it never came to its end without a kill');
  });
});

function isQuiet(): boolean {
  return platform.apps.deployments.book.list('acme', 'shop').every((one) => hasEnded(one.state));
}
