/** A volume whose host is gone for good: what a person may do about it, and that nobody does it for him. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { SetRecord } from '#apps/app-record';
import { hasEnded } from '#apps/deployment-record';
import { isTidegateError } from '#core/errors';
import { setKey } from '#core/set';
import type { SetSpec } from '#core/set-spec';
import { until } from '#test/support/until';
import { Platform, specOf } from './support/platform.ts';

const ASKER = { tenant: 'acme', by: 'op_1' };
const DB = setKey('acme', 'shop', 'db');
const VOLUME = 'tidegate-acme.shop.data';

let platform: Platform;

beforeEach(async () => {
  platform = new Platform();
  platform.hosts = ['a', 'b'];
  await platform.open();
  await put({ ...specOf('db:1'), volume: { name: 'data', path: '/data' } });
  assert.deepEqual(places(), ['a']);
});
afterEach(() => platform.close());

async function put(spec: SetSpec): Promise<void> {
  const wish = { ...ASKER, app: 'shop', set: 'db', spec, cause: 'a test', strategy: 'recreate' as const };
  const { deployment } = await platform.apps.putSet(wish);
  assert.ok(deployment !== null);
  const ended = await until(() => {
    const now = platform.apps.deployments.book.byId(deployment.id);
    return now !== null && hasEnded(now.state) ? now : null;
  });
  assert.equal(ended.state, 'succeeded', JSON.stringify(ended.error));
}

function db(): SetRecord {
  const found = platform.apps.library.set('acme', 'shop', 'db');
  assert.ok(found !== null);
  return found;
}

function places(): readonly string[] {
  return [...platform.replicas.values()].map((one) => one.host).sort();
}

function told(type: string) {
  return platform.events.filter((one) => one.type === type);
}

test('while its host answers it is not given up, and neither is one on another host', async () => {
  assert.equal(await platform.apps.volumes.giveUp(ASKER, db(), 'a'), 'reachable');
  assert.equal(await platform.apps.volumes.giveUp(ASKER, db(), 'b'), 'elsewhere');
  assert.deepEqual(platform.apps.volumes.homesOf(db()), [{ volume: VOLUME, host: 'a', state: 'reachable' }]);
  assert.deepEqual(told('volume.given_up'), []);
});

test('the set begins anew on another host when a person gives it up, and not before', async () => {
  platform.silentHosts.add('a');
  assert.equal(platform.apps.volumes.homesOf(db())[0]?.state, 'silent');
  await assert.rejects(platform.apps.factory.make(DB, 'r1'), /host a does not answer/);
  assert.deepEqual(platform.inForce(DB)?.leftHosts, []);
  const left = await platform.apps.volumes.giveUp(ASKER, db(), 'a');
  assert.ok(typeof left !== 'string');
  assert.deepEqual(
    left.map(({ volume, host, by }) => [volume, host, by]),
    [[VOLUME, 'a', 'op_1']],
  );
  assert.deepEqual(platform.inForce(DB)?.leftHosts, ['a']);
  assert.deepEqual(
    told('volume.given_up').map(({ set, host, data }) => [set, host, data]),
    [['db', 'a', { volumes: [VOLUME] }]],
  );
  assert.equal((await platform.apps.factory.make(DB, 'r1')).host, 'b');
  assert.deepEqual(platform.apps.volumes.homesOf(db()), [{ volume: VOLUME, host: 'b', state: 'reachable' }]);
  assert.equal(await platform.apps.volumes.giveUp(ASKER, db(), 'a'), 'elsewhere');
});

test('a volume that its host has lost is not made anew in silence; given up, it is, and may be there', async () => {
  platform.volumes.clear();
  platform.replicas.clear();
  await assert.rejects(
    platform.apps.factory.make(DB, 'r1'),
    /volume tidegate-acme\.shop\.data was on a, and is not there/,
  );
  assert.equal(platform.apps.volumes.homesOf(db())[0]?.state, 'missing');
  assert.deepEqual(places(), []);
  await platform.kill();
  await platform.open();
  await assert.rejects(platform.apps.factory.make(DB, 'r1'), (error) => isTidegateError(error, 'volume.missing'));
  platform.volumes.add(`a/${VOLUME}`);
  assert.equal((await platform.apps.factory.make(DB, 'r1')).host, 'a');
  assert.equal(platform.apps.volumes.homesOf(db())[0]?.state, 'reachable');
  platform.volumes.clear();
  await assert.rejects(platform.apps.factory.make(DB, 'r1'));
  assert.equal(platform.apps.volumes.refusal(db(), 'a'), null);
  assert.deepEqual(await platform.apps.volumes.giveUp(ASKER, db(), 'a'), [], 'nothing is left behind there');
  assert.deepEqual([platform.apps.volumes.leftOf(db()), platform.inForce(DB)?.leftHosts], [[], []]);
  assert.match(told('volume.given_up')[0]?.cause ?? '', /it was not on a any more/);
  await platform.apps.factory.make(DB, 'r1');
  assert.equal(platform.apps.volumes.homesOf(db())[0]?.state, 'reachable');
});

test('what its host had lost before that fell silent is not lost on the next one, and not to be given up there', async () => {
  platform.volumes.clear();
  platform.replicas.clear();
  await assert.rejects(platform.apps.factory.make(DB, 'r1'), (error) => isTidegateError(error, 'volume.missing'));
  platform.silentHosts.add('a');
  assert.ok(typeof (await platform.apps.volumes.giveUp(ASKER, db(), 'a')) !== 'string');
  assert.equal((await platform.apps.factory.make(DB, 'r1')).host, 'b');
  assert.deepEqual(platform.apps.volumes.homesOf(db()), [{ volume: VOLUME, host: 'b', state: 'reachable' }]);
  assert.equal(await platform.apps.volumes.giveUp(ASKER, db(), 'b'), 'reachable');
});

test('a host of the settings no more can be given up as one that is silent', async () => {
  platform.hosts = ['b'];
  assert.equal(platform.apps.volumes.homesOf(db())[0]?.state, 'removed');
  assert.notEqual(typeof (await platform.apps.volumes.giveUp(ASKER, db(), 'a')), 'string');
  assert.equal((await platform.apps.factory.make(DB, 'r1')).host, 'b');
});

test('a host that comes back keeps the volume, unused; replicas of before are taken away, and it is told once', async () => {
  platform.silentHosts.add('a');
  await platform.apps.volumes.giveUp(ASKER, db(), 'a');
  await platform.apps.factory.make(DB, 'r1');
  assert.deepEqual(places(), ['a', 'b']);
  platform.hostsAreBack();
  await until(() => (told('volume.returned').length > 0 ? true : null));
  await until(() => (places().length === 1 ? true : null));
  assert.deepEqual(places(), ['b']);
  assert.ok(platform.volumes.has(`a/${VOLUME}`));
  await platform.kill();
  await platform.open();
  await platform.apps.factory.make(DB, 'r1');
  assert.deepEqual(places(), ['b', 'b']);
  assert.equal(told('volume.returned').length, 1);
  assert.deepEqual(platform.inForce(DB)?.leftHosts, ['a']);
});

test('a host on which somebody removed the volume is one like any other again', async () => {
  platform.silentHosts.add('a');
  await platform.apps.volumes.giveUp(ASKER, db(), 'a');
  assert.equal(platform.apps.volumes.leftOf(db()).length, 1);
  platform.volumes.delete(`a/${VOLUME}`);
  platform.hostsAreBack();
  await until(() => (platform.inForce(DB)?.leftHosts?.length === 0 ? true : null));
  assert.deepEqual(platform.apps.volumes.leftOf(db()), []);
  assert.deepEqual(told('volume.returned'), []);
});
