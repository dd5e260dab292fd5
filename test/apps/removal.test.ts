/** Apps and sets that are taken away: nothing comes back, nothing is lost that was acknowledged, and nothing stays behind. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { DeploymentRecord } from '#apps/deployment-record';
import { hasEnded } from '#apps/deployment-record';
import { isOperationOver, type OperationRecord } from '#apps/operation-record';
import { systemClock } from '#core/clock';
import { isTidegateError } from '#core/errors';
import { setKey } from '#core/set';
import { until } from '#test/support/until';
import { Platform, specOf } from './support/platform.ts';

const ASKER = { tenant: 'acme', by: 'op_1' };
const WEB = setKey('acme', 'shop', 'web');
const API = setKey('acme', 'shop', 'api');

let platform: Platform;

beforeEach(async () => {
  platform = new Platform();
  // Waits for the next attempt are short.
  platform.clock = { ...systemClock, after: (ms, run) => systemClock.after(Math.min(ms, 20), run) };
  await platform.open();
});
afterEach(() => platform.close());

function put(image: string, set = 'web') {
  const wish = { ...ASKER, app: 'shop', set, spec: specOf(image), cause: 'a test', strategy: 'rolling' as const };
  return platform.apps.putSet(wish);
}

async function ended(deployment: DeploymentRecord | null): Promise<DeploymentRecord> {
  assert.ok(deployment !== null);
  return await until(() => {
    const now = platform.apps.deployments.book.get('acme', 'shop', deployment.id);
    return now !== null && hasEnded(now.state) ? now : null;
  });
}

async function over({ id }: Pick<OperationRecord, 'id'>): Promise<OperationRecord> {
  return await until(() => {
    const now = platform.apps.operations.get('acme', id);
    return now !== null && isOperationOver(now.state) ? now : null;
  });
}

function setOf(name: string) {
  const found = platform.apps.library.set('acme', 'shop', name);
  assert.ok(found !== null);
  return found;
}

async function isRefused(change: () => Promise<unknown>): Promise<void> {
  await assert.rejects(change, (error) => isTidegateError(error, 'apps.removing'));
}

suite('what is being removed', () => {
  test('takes no changes: none is acknowledged and thrown away', async () => {
    await ended((await put('shop:1')).deployment);
    await ended((await put('shop:1', 'api')).deployment);
    const [revision] = platform.apps.library.revisions('acme', 'shop', 'web');
    assert.ok(revision !== undefined);
    const web = setOf('web');
    platform.sticking.add('r1');
    const ofSet = await platform.apps.removal.removeSet(ASKER, web);
    await isRefused(() => put('shop:2'));
    await isRefused(() => platform.apps.revisions.activate(ASKER, web, revision, 'rolling'));
    await isRefused(() => platform.apps.revisions.restart(ASKER, 'shop', [web]));
    await isRefused(() => platform.apps.revisions.setTraffic(ASKER, web, web.shares, null));
    const turns = [{ set: 'web', spec: specOf('shop:3'), revision: null }];
    const draft = { ...ASKER, app: 'shop', strategy: 'rolling' as const, steps: [], members: [], turns };
    await isRefused(() => platform.apps.deploy({ ...draft, cause: 'a test', readyWithinMs: 5000 }));
    // Other sets of the app do.
    assert.equal((await put('shop:1', 'api')).set.name, 'api');
    const ofApp = await platform.apps.removal.removeApp(ASKER, 'shop', false);
    await isRefused(() => put('shop:2', 'api'));
    await isRefused(() => put('shop:2', 'new'));
    await isRefused(() => platform.apps.putApp(ASKER, 'shop', { env: { A: 'b' } }));
    await isRefused(() => platform.apps.putSecret(ASKER, 'shop', 'KEY', 'value'));
    const app = platform.apps.library.app('acme', 'shop');
    assert.ok(app !== null);
    await isRefused(() => platform.apps.setStopped(ASKER, app, true));
    // Asked for again, it is the same operation.
    assert.equal((await platform.apps.removal.removeApp(ASKER, 'shop', false)).id, ofApp.id);
    platform.sticking.clear();
    platform.replicas.clear();
    assert.equal((await over(ofSet)).state, 'succeeded');
    assert.equal((await over(ofApp)).state, 'succeeded');
    // After that the name is free.
    assert.equal((await ended((await put('shop:9')).deployment)).state, 'succeeded');
    assert.equal(platform.inForce(WEB)?.shares.length, 1);
  });

  test('a set that was on its way when its app began to go does not outlive it', async () => {
    await ended((await put('shop:1')).deployment);
    const written = Promise.withResolvers<void>();
    platform.slow = { is: (changes) => changes.includes('"acme/shop/api"'), until: written.promise };
    const making = put('shop:1', 'api');
    const operation = await platform.apps.removal.removeApp(ASKER, 'shop', false);
    // Only what can take any time is waited for: the store.
    await setImmediate();
    assert.equal(platform.apps.operations.get('acme', operation.id)?.state, 'pending');
    written.resolve();
    await making;
    assert.equal((await over(operation)).state, 'succeeded');
    assert.equal(platform.apps.library.set('acme', 'shop', 'api'), null);
    assert.equal(platform.inForce(API), undefined);
    assert.equal(platform.inForce(WEB), undefined);
    assert.equal(platform.replicas.size, 0);
    assert.deepEqual(platform.apps.deployments.book.list('acme', 'shop'), []);
  });
});

suite('a deployment under way', () => {
  test('does not put an app back into traffic that goes while the old replicas drain', async () => {
    await ended((await put('shop:1')).deployment);
    platform.sticking.add('r1');
    const { deployment } = await put('shop:2');
    const stateOf = () => platform.apps.deployments.book.get('acme', 'shop', deployment?.id ?? '')?.state;
    await until(() => stateOf() === 'draining');
    const before = platform.declared.length;
    const operation = await platform.apps.removal.removeApp(ASKER, 'shop', false);
    await until(() => platform.inForce(WEB)?.shares.length === 0);
    platform.sticking.clear();
    platform.replicas.clear();
    assert.equal((await over(operation)).state, 'succeeded');
    const since = platform.declared.slice(before);
    const end = since.findIndex(({ shares }) => shares.length === 0);
    assert.ok(since.slice(end).every(({ shares }) => shares.length === 0));
    assert.deepEqual(platform.apps.deployments.book.list('acme', 'shop'), []);
    assert.equal(platform.replicas.size, 0);
    // Nor does another process find it again.
    await platform.kill();
    await platform.open();
    assert.deepEqual(platform.apps.deployments.book.list('acme', 'shop'), []);
  });

  test('that is about to be in force is waited for, and leaves nothing of the app behind', async () => {
    await ended((await put('shop:1')).deployment);
    platform.sticking.add('r1');
    const { deployment } = await put('shop:2');
    const stateOf = () => platform.apps.deployments.book.get('acme', 'shop', deployment?.id ?? '')?.state;
    await until(() => stateOf() === 'draining');
    const written = Promise.withResolvers<void>();
    let isWriting = false;
    const is = (changes: string): boolean => {
      isWriting ||= changes.includes('"current":2');
      return changes.includes('"current":2');
    };
    platform.slow = { is, until: written.promise };
    platform.sticking.clear();
    for (const { id } of platform.ofShare('r1')) platform.replicas.delete(id);
    await until(() => isWriting);
    const operation = await platform.apps.removal.removeApp(ASKER, 'shop', false);
    await until(() => platform.apps.operations.get('acme', operation.id)?.phase === 'draining');
    for (let turn = 0; turn < 100; turn++) await setImmediate();
    written.resolve();
    assert.equal((await over(operation)).state, 'succeeded');
    await written.promise;
    await setImmediate();
    assert.equal(platform.apps.library.set('acme', 'shop', 'web'), null);
    assert.equal(platform.inForce(WEB), undefined);
    await platform.kill();
    await platform.open();
    assert.deepEqual([...platform.apps.library.allSets()], []);
  });

  test('ends with its set, and does nothing to a new one of that name', async () => {
    await ended((await put('shop:1')).deployment);
    platform.silent.add('shop:mute');
    const { deployment } = await put('shop:mute');
    await until(() => platform.ofShare('r2').length === 1);
    const waiting = (await put('shop:3')).deployment;
    const operation = await platform.apps.removal.removeSet(ASKER, setOf('web'));
    assert.equal((await over(operation)).state, 'succeeded');
    assert.equal(platform.replicas.size, 0);
    for (const one of [deployment, waiting]) {
      assert.equal(platform.apps.operations.get('acme', one?.operation ?? '')?.state, 'canceled');
    }
    const before = platform.declared.length;
    assert.equal((await ended((await put('shop:4')).deployment)).state, 'succeeded');
    assert.ok(platform.declared.slice(before).every(({ shares }) => shares.every((one) => one.revision === 'r1')));
    assert.deepEqual(
      [...platform.replicas.values()].map((one) => one.members.main),
      ['sha256:shop:4'],
    );
  });

  test('of other sets, too, puts back what was and is kept', async () => {
    await ended((await put('shop:1')).deployment);
    await ended((await put('shop:1', 'api')).deployment);
    platform.silent.add('shop:mute');
    const turns = ['api', 'web'].map((set) => ({ set, spec: specOf('shop:mute'), revision: null }));
    const draft = { ...ASKER, app: 'shop', strategy: 'rolling' as const, steps: [], members: [], turns };
    const deployment = await platform.apps.deploy({ ...draft, cause: 'a test', readyWithinMs: 5000 });
    await until(() => platform.ofShare('r2').length === 1);
    const operation = await platform.apps.removal.removeSet(ASKER, setOf('web'));
    assert.equal((await over(operation)).state, 'succeeded');
    assert.equal((await ended(deployment)).state, 'canceled');
    assert.deepEqual(
      platform.inForce(API)?.shares.map((one) => [one.revision, one.weight]),
      [['r1', 100]],
    );
    assert.equal(platform.inForce(WEB), undefined);
  });
});

suite('a removal', () => {
  test('waits for a host that is away, says so, and comes to its end when that is back', async () => {
    await ended((await put('shop:1')).deployment);
    platform.isAway = true;
    const operation = await platform.apps.removal.removeSet(ASKER, setOf('web'));
    const waiting = await until(() => {
      const now = platform.apps.operations.get('acme', operation.id);
      return now?.phase.startsWith('waiting') ? now : null;
    });
    assert.equal(waiting.state, 'running');
    assert.match(waiting.phase, /local is away/);
    await isRefused(() => put('shop:1'));
    platform.isAway = false;
    assert.equal((await over(operation)).state, 'succeeded');
    assert.equal((await ended((await put('shop:1')).deployment)).state, 'succeeded');
    assert.equal(platform.replicas.size, 1);
  });

  test('that another process left half done leaves a set that is deployed when it is put again', async () => {
    await ended((await put('shop:1')).deployment);
    const kept = await platform.apps.library.putInForce(setOf('web'), { shares: [], routing: null });
    assert.ok(kept !== null);
    assert.equal(platform.apps.isInPlace('acme', 'shop', 'web', kept.spec), false);
    const { deployment } = await put('shop:1');
    assert.equal((await ended(deployment)).state, 'succeeded');
    assert.equal(platform.inForce(WEB)?.shares.length, 1);
  });

  test('whichever write was the last before a kill, never takes what was made anew under the name', async () => {
    for (let writes = 0; writes < 30; writes++) {
      const scene = new Platform();
      scene.clock = platform.clock;
      await platform.close();
      platform = scene;
      await scene.open();
      await ended((await put('shop:1')).deployment);
      scene.killAfterWrites(writes);
      const asked = scene.apps.removal.removeApp(ASKER, 'shop', true).then(over);
      const isWhole = await Promise.race([asked.then(() => true), until(() => scene.isKilled)]);
      // The last write that was taken may still be on its way.
      await until(() => isWhole || scene.isKilled);
      const finished = !scene.isKilled;
      await scene.kill();
      await scene.open();
      await until(() => scene.apps.operations.unfinished().length === 0);
      const [removal] = scene.apps.operations.list('acme').filter((one) => one.type === 'app.delete');
      const isGone = scene.apps.library.app('acme', 'shop') === null;
      assert.equal(isGone, removal !== undefined, `after ${writes} writes`);
      if (removal !== undefined) assert.deepEqual([removal.state, removal.result], ['succeeded', { volumes: true }]);
      await ended((await put('shop:2')).deployment);
      assert.equal(scene.replicas.size, 1, `after ${writes} writes`);
      if (finished) return;
    }
    assert.fail('it never came to its end without a kill');
  });

  test('lets go of the images and of the scale that was asked for', async () => {
    await ended((await put('shop:1')).deployment);
    await ended((await put('shop:2')).deployment);
    await ended((await put('shop:1', 'api')).deployment);
    await over(await platform.apps.removal.removeSet(ASKER, setOf('web')));
    const released = (set: string) => platform.released.filter((one) => one.startsWith(`acme.shop.${set}.`));
    assert.deepEqual(
      released('web').sort(),
      ['agent:1', 'shop:1', 'shop:2'].map((one) => `acme.shop.web.${one}`),
    );
    assert.equal(released('api').length, 0);
    assert.deepEqual(platform.forgotten, [WEB]);
    await over(await platform.apps.removal.removeApp(ASKER, 'shop', false));
    assert.ok(released('api').length > 0);
    assert.deepEqual(platform.forgotten, [WEB, API]);
  });
});

test('a set that cannot be kept leaves no app without sets behind', async () => {
  platform.refusesWrites = true;
  await assert.rejects(() => put('shop:1'));
  platform.refusesWrites = false;
  assert.equal(platform.apps.library.app('acme', 'shop'), null);
  await ended((await put('shop:1')).deployment);
  assert.equal(platform.events.filter((one) => one.type === 'app.created').length, 1);
  // In the step that keeps the set: a kill leaves both or none.
  for (let writes = 0; writes < 3; writes++) {
    const scene = new Platform();
    await platform.close();
    platform = scene;
    await scene.open();
    scene.killAfterWrites(writes);
    await Promise.race([put('shop:1').catch(() => {}), until(() => scene.isKilled)]);
    await scene.kill();
    await scene.open();
    const { library } = scene.apps;
    assert.equal(library.app('acme', 'shop') !== null, library.set('acme', 'shop', 'web') !== null, `${writes} writes`);
  }
});
