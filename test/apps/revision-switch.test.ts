/** Revisions that people choose: the one before, and all anew. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { type DeploymentRecord, hasEnded } from '#apps/deployment-record';
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

function put(image: string) {
  const strategy = 'rolling';
  return platform.apps.putSet({ ...ASKER, app: 'shop', set: 'web', spec: specOf(image), cause: 'a test', strategy });
}

async function ended(deployment: DeploymentRecord | null): Promise<DeploymentRecord> {
  assert.ok(deployment !== null);
  return await until(() => {
    const now = platform.apps.deployments.book.get('acme', 'shop', deployment.id);
    return now !== null && hasEnded(now.state) ? now : null;
  });
}

test('the revision before is one that was in force: none of those that were given up', async () => {
  await ended((await put('shop:1')).deployment);
  platform.crashing.add('shop:2');
  assert.equal((await ended((await put('shop:2')).deployment)).state, 'failed');
  await ended((await put('shop:3')).deployment);
  const set = platform.apps.library.set('acme', 'shop', 'web');
  assert.ok(set !== null);
  assert.deepEqual([set.current, platform.apps.revisions.before(set)?.name], [3, 'r1']);
  assert.equal(platform.apps.revisions.before({ ...set, current: 1 }), null);
});

test('a restart takes up the environment and the secrets of today; going back leaves those of then', async () => {
  await ended((await put('shop:1')).deployment);
  await platform.apps.putApp(ASKER, 'shop', { env: { COLOUR: 'green' } });
  await platform.apps.putSecret(ASKER, 'shop', 'KEY', 'hidden');
  const sets = platform.apps.library.sets('acme', 'shop');
  await ended(await platform.apps.revisions.restart(ASKER, 'shop', sets));
  assert.deepEqual(
    platform.inForce(KEY)?.shares.map((one) => one.revision),
    ['r2'],
  );
  const [then, now] = [1, 2].map((number) => platform.apps.library.revision('acme', 'shop', 'web', number));
  assert.deepEqual([now?.env, now?.secrets], [{ COLOUR: 'green' }, ['KEY']]);
  assert.deepEqual([then?.env, then?.secrets], [{}, []]);
});
