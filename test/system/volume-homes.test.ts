/**
 * A set whose volume is on a host that is gone, on two real Engines: it is told, nothing is made elsewhere by itself, a person
 * lets it begin anew, and the host that comes back keeps its volume, unused.
 *
 * Environment: `VOLUME_HOMES=1` runs it; two Engines take half a minute.
 */
import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { deployHello } from '#test/support/deployed-app';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { startTidegate, type TidegateProcess } from '#test/support/tidegate';
import { until } from '#test/support/until';

const isAsked = process.env.VOLUME_HOMES === '1';
const WITHIN = { timeoutMs: 60_000 };
const DB = '/v1/apps/shop/sets/db';

let engines: readonly TestEngine[] = [];
let tidegate: TidegateProcess | null = null;

before(async () => {
  if (!isAsked) return;
  engines = [await startTestEngine(), await startTestEngine()];
  tidegate = await startTidegate({ docker: engines.map((one) => one.socket).join(',') });
});
after(async () => {
  await tidegate?.close();
  for (const engine of engines) await engine.close();
});

interface SetSeen {
  readonly ready: number;
  readonly replicas: readonly { readonly host: string }[];
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
}

const begins = 'a set begins anew when a person gives up its volume on a host that is gone';
if (isAsked)
  test(begins, async () => {
    const [first, second] = engines;
    const tide = tidegate;
    assert.ok(first !== undefined && second !== undefined && tide !== null);
    const image = await first.images.hello();
    // An image of no registry is on the other host as well only if it is the very same.
    const loaded = await second.docker.loadImage(await first.docker.getImage(image).get());
    await text(loaded);
    const more = { class: 'data', volume: { name: 'data', path: '/data' } };
    await deployHello(tide, { image, app: 'shop', set: 'db', more });
    const look = (): Promise<SetSeen> => tide.adminJson<SetSeen>(DB);
    const reason = async (): Promise<string | undefined> =>
      (await look()).conditions.find((one) => one.type === 'VolumeReachable')?.reason;
    const events = async (type: string): Promise<number> => {
      const { items } = await tide.adminJson<{ items: readonly { type: string }[] }>('/v1/events?limit=1000');
      return items.filter((one) => one.type === type).length;
    };
    const hosts = async (): Promise<readonly string[]> => (await look()).replicas.map((one) => one.host);
    assert.deepEqual([await reason(), await hosts()], ['host_answers', ['local']]);
    await first.kill9();
    await until(async () => (await reason()) === 'host_silent', WITHIN);
    assert.deepEqual(await hosts(), ['local'], 'nothing is made anywhere else');
    assert.equal((await tide.admin(`${DB}/volume-homes/local-2`, { method: 'DELETE' })).status, 404);
    assert.equal((await tide.admin(`${DB}/volume-homes/local`, { method: 'DELETE' })).status, 200);
    await until(async () => (await look()).ready === 1, WITHIN);
    assert.deepEqual([await reason(), await hosts()], ['host_answers', ['local-2']]);
    assert.equal(await events('volume.given_up'), 1);
    await first.start();
    await until(async () => (await events('volume.returned')) === 1, WITHIN);
    const left = async () => (await first.docker.listContainers({ all: true })).length;
    await until(async () => (await left()) === 0, WITHIN);
    const { Volumes } = await first.docker.listVolumes();
    assert.deepEqual(
      Volumes.map(({ Name }) => Name),
      ['tidegate-default.shop.data'],
    );
    assert.deepEqual([(await look()).ready, await hosts()], [1, ['local-2']]);
  });
