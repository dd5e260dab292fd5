/**
 * How long a set takes from its PUT until it takes requests: pause container and three members each, images at hand.
 *
 * Environment: `CREATES` instead of 5.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { endOf, putHello } from '#test/support/deployed-app';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { startTidegate, type TidegateProcess } from '#test/support/tidegate';

const CREATES = Number(process.env.CREATES ?? 5);
/** A loaded machine that runs other tests beside; quiet it takes a fraction. */
const SLOWEST_MS = 20_000;

let engine: TestEngine;
let tidegate: TidegateProcess;

before(async () => {
  engine = await startTestEngine();
  tidegate = await startTidegate({ docker: engine.socket, settings: { TIDEGATE_WORKERS: '1' } });
});
after(async () => {
  await tidegate.close();
  await engine.close();
});

test(`${CREATES} sets of three containers each are in force soon after they are asked for`, async (t) => {
  const image = await engine.images.hello();
  const members = [1, 2, 3].map((index) => ({
    ...{ index, name: index === 1 ? 'main' : `side${index}`, image },
    options: { env: { PORT: String(8079 + index) } },
  }));
  const times: number[] = [];
  for (let i = 0; i < CREATES; i++) {
    const begun = performance.now();
    const app = `app${i}`;
    const { operation } = await putHello(tidegate, { image, app, more: { containers: members } });
    const end = await endOf(tidegate, operation);
    times.push(performance.now() - begun);
    assert.equal(end.state, 'succeeded', JSON.stringify(end));
    assert.equal((await tidegate.ask(`${app}.localhost`)).status, 200);
    const removed = await tidegate.adminJson<{ id: string }>(`/v1/apps/${app}`, { method: 'DELETE' });
    assert.equal((await endOf(tidegate, removed.id)).state, 'succeeded');
  }
  times.sort((a, b) => a - b);
  const at = (part: number): number =>
    Math.round(times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0);
  t.diagnostic(`from PUT to ready: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms, slowest ${at(1)} ms`);
  assert.ok(at(1) < SLOWEST_MS);
});
