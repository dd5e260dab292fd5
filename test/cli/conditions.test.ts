/** What stands against a set: told by the API and `tide status`, with what there is to be done, and gone when it is over. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { snapshot } from '#test/router/sample';
import { until } from '#test/support/until';
import { AppGround } from './app-ground.ts';
import { linesOf } from './tide-ground.ts';

interface Conditions {
  readonly conditions: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
    readonly since: string | null;
  }[];
}

async function conditions(ground: AppGround, set = 'web') {
  const { conditions: all } = await ground.json<Conditions>(`api GET /v1/apps/shop/sets/${set}`);
  return all;
}

test('a deployment that failed is told with why, what failed and what serves, until one succeeds', async (t) => {
  const ground = await AppGround.deployed(t);
  assert.deepEqual(
    (await conditions(ground)).map(({ type, status, message }) => [type, status, message]),
    [['Deployed', 'True', 'r1 serves.']],
  );
  assert.deepEqual(linesOf((await ground.tide('status -a shop')).stdout).length, 2);
  ground.platform.crashing.add('shop:2');
  assert.equal((await ground.tide('deploy --image shop:2 -a shop --wait')).code, 7);
  const [failed] = await conditions(ground);
  assert.deepEqual([failed?.status, failed?.reason], ['False', 'replica.crashed']);
  assert.match(failed?.message ?? '', /^r2 did not come into force \(dep_\w+ failed while \w+\): .*; r1 serves\.$/);
  assert.match(failed?.since ?? '', /^\d{4}-/);
  const [, , head, row] = linesOf((await ground.tide('status -a shop')).stdout);
  assert.match(head ?? '', /^APP +SET +CONDITION +REASON +SINCE +MESSAGE$/);
  assert.match(row ?? '', /^shop +web +Deployed +replica\.crashed +.*r2 did not come into force.*r1 serves\.$/);
  assert.equal((await ground.tide('deploy --image shop:3 -a shop --wait')).code, 0);
  assert.deepEqual(
    (await conditions(ground)).map(({ status, message }) => [status, message]),
    [['True', 'r3 serves.']],
  );
});

test('one that was canceled, or gave way to a newer one, clears nothing; limits that came into force since do', async (t) => {
  const ground = await AppGround.deployed(t);
  ground.platform.crashing.add('shop:2');
  ground.platform.silent.add('shop:3');
  await ground.tide('deploy --image shop:2 -a shop --wait');
  await ground.tide('deploy --image shop:3 -a shop');
  const { items } = await ground.json<{ items: readonly { id: string }[] }>('deployments -a shop');
  assert.equal((await ground.tide(`cancel ${items[0]?.id} -a shop`)).code, 0);
  await until(() => (ground.platform.apps.deployments.book.isMoving('default', 'shop', 'web') ? null : true));
  assert.equal((await conditions(ground))[0]?.reason, 'replica.crashed');
  assert.equal((await ground.tide('resize web --cpu 0.5 --memory 64m -a shop')).code, 0);
  assert.equal((await conditions(ground))[0]?.status, 'True');
});

test('a volume whose host is silent, or of the settings no more, is told, and given up by whoever says so', async (t) => {
  const ground = await AppGround.start(t);
  const { platform } = ground;
  platform.hosts = ['a', 'b'];
  await ground.tide('apps create shop');
  const body = { containers: [{ image: 'db:1' }], class: 'data', port: 5432, volume: { name: 'data', path: '/data' } };
  await ground.tide('sets apply -f - --set db -a shop --wait', { input: JSON.stringify(body) });
  ground.ground.tidegate.discover(snapshot('default/shop/db', [], { replicas: [] }));
  const volume = async () => (await conditions(ground, 'db')).find((one) => one.type === 'VolumeReachable');
  assert.deepEqual([(await volume())?.status, (await volume())?.reason], ['True', 'host_answers']);
  assert.equal((await ground.tide('volumes give-up db a -a shop --yes')).code, 5, 'its host answers');
  platform.silentHosts.add('a');
  const since = ground.ground.tidegate.clock.wall() - 60_000;
  ground.ground.tidegate.hosts = [{ name: 'a', state: 'degraded', cause: 'it hangs', since, engine: null }];
  assert.equal((await volume())?.reason, 'host_silent');
  assert.equal((await volume())?.since, new Date(since).toISOString());
  assert.match(
    (await volume())?.message ?? '',
    /tidegate-default\.shop\.data is on a, which does not answer.*`tide volumes give-up db a --app shop`/,
  );
  platform.hosts = ['b'];
  assert.equal((await volume())?.reason, 'host_removed');
  assert.match((await ground.tide('status -a shop')).stdout, /VolumeReachable +host_removed/);
  assert.equal((await ground.tide('volumes give-up db a -a shop')).code, 2, 'nobody is there to answer');
  assert.equal((await ground.tide('volumes give-up db b -a shop --yes')).code, 3);
  assert.equal((await ground.tide('volumes give-up db a -a shop --dry-run')).code, 0);
  assert.match((await ground.tide('volumes db -a shop')).stdout, /tidegate-default\.shop\.data +a +removed/);
  const given = await ground.tide('volumes give-up db a -a shop --yes');
  assert.equal(given.code, 0, given.stderr);
  assert.match(given.stderr, /on a stays there, and is neither used nor removed/);
  assert.match((await ground.tide('volumes db -a shop')).stdout, /tidegate-default\.shop\.data +a +left behind/);
  assert.deepEqual(
    [(await volume())?.status, (await volume())?.message],
    ['True', 'tidegate-default.shop.data is on b.'],
  );
  platform.volumes.clear();
  platform.replicas.clear();
  await assert.rejects(platform.apps.factory.make('default/shop/db', 'r1'));
  assert.equal((await volume())?.reason, 'volume_missing');
  assert.match((await ground.tide('volumes give-up db b -a shop --yes')).stderr, /b has lost the volume/);
  assert.match((await ground.tide('audit')).stdout, /giveUpVolumeHome|volume-homes/);
});
