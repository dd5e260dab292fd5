/** A crowd before a stopped set, with two workers and a real Engine: what the app itself counts of it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { engineEvents } from '#test/support/engine-events';
import { type Hello, runHello } from '#test/support/hello';
import { ask, startTidegate, type TidegateProcess } from '#test/support/tidegate';

interface Work {
  readonly hostname: string;
  /** Most calls at a time in that replica until then. */
  readonly busiest: number;
}

let engine: TestEngine;
let tidegate: TidegateProcess;
let limited: readonly Hello[];

before(async () => {
  engine = await startTestEngine();
  const labels = {
    'tidegate.app': 'limited',
    'tidegate.scale.min': '0',
    'tidegate.scale.max': '3',
    'tidegate.concurrency': '10',
  };
  const replicas = ['one', 'two', 'three'].map((name) => runHello(engine, { name, labels, start: false }));
  limited = await Promise.all(replicas);
  await runHello(engine, {
    name: 'free',
    start: false,
    labels: { 'tidegate.app': 'free', 'tidegate.scale.min': '0', 'tidegate.scale.target': '20' },
  });
  tidegate = await startTidegate({ docker: engine.socket, settings: { TIDEGATE_WORKERS: '2' } });
});
after(async () => {
  await tidegate.close();
  await engine.close();
});

/** So many requests at once; every one of them has to be answered by the app. */
async function crowd(app: string, count: number, ms: number): Promise<readonly Work[]> {
  const { port } = tidegate;
  const asks = Array.from({ length: count }, () =>
    ask(port, { path: `/work?ms=${ms}`, headers: { host: `${app}.localhost` } }),
  );
  const answers = await Promise.all(asks);
  assert.deepEqual(
    answers.filter((one) => one.status !== 200).map((one) => `${one.status} ${one.body}`),
    [],
  );
  return answers.map((one) => JSON.parse(one.body) as Work);
}

test('1,000 requests at once on a stopped set: one start per replica, and never more in a replica than its limit', async () => {
  const sinceMs = Date.now() - 1000;
  const works = await crowd('limited', 1000, 5);
  const busiest = new Map<string, number>();
  for (const work of works) busiest.set(work.hostname, Math.max(work.busiest, busiest.get(work.hostname) ?? 0));
  assert.ok(
    [...busiest.values()].every((most) => most <= 10),
    JSON.stringify([...busiest]),
  );
  const starts = await Promise.all(
    limited.map(({ id }) => engineEvents(engine, { container: id, action: 'start', sinceMs })),
  );
  assert.deepEqual(
    starts.map((one) => one.length),
    [1, 1, 1],
  );
});

test('without a limit a fresh replica gets as many as it is meant for before it has answered any', async () => {
  const works = await crowd('free', 300, 20);
  assert.ok(Math.min(...works.map((one) => one.busiest)) <= 20, JSON.stringify(works.map((one) => one.busiest)));
});
