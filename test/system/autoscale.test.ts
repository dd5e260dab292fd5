/**
 * Sets that follow their load on a real Engine: a step up and down again, and a crowd before a set at zero. The long form
 * (`AUTOSCALE_SECONDS=60`) keeps each phase as long as a default window, and has bursts that frozen spares are kept for.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deployHello } from '#test/support/deployed-app';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { runHello } from '#test/support/hello';
import { ask, startTidegate, type TidegateProcess } from '#test/support/tidegate';
import { until } from '#test/support/until';

const WORK_MS = 100;
const IS_LONG = process.env.AUTOSCALE_SECONDS !== undefined;
const PHASE_MS = Number(process.env.AUTOSCALE_SECONDS ?? 8) * 1000;

let engine: TestEngine;
let tidegate: TidegateProcess;

before(async () => {
  engine = await startTestEngine();
  const labels = { 'tidegate.concurrency': '10', 'tidegate.scale.max': '8', 'tidegate.scale.stop': 'off' };
  const quick = { 'tidegate.scale.window': '8s', 'tidegate.scale.cooldown': '2s' };
  await runHello(engine, { name: 'step', labels: { ...labels, ...quick, 'tidegate.app': 'step' } });
  await runHello(engine, {
    ...{ name: 'crowd', start: false, env: { START_DELAY_MS: '2000' } },
    labels: { ...labels, 'tidegate.app': 'crowd', 'tidegate.scale.min': '0' },
  });
  tidegate = await startTidegate({ docker: engine.socket });
});
after(async () => {
  await tidegate.close();
  await engine.close();
});

/** Running replicas of an app: the one that was made by hand, and its copies. */
async function running(app: string): Promise<number> {
  const containers = await engine.docker.listContainers({ filters: { label: [`tidegate.app=${app}`] } });
  return containers.length;
}

interface Phase {
  readonly statuses: readonly number[];
  /** Of each answer, in the order of the asking. */
  readonly tookMs: readonly number[];
}

/** So many requests a second, whatever becomes of those before. */
async function run(app: string, perSecond: number): Promise<Phase> {
  const asks: Promise<readonly [status: number, tookMs: number]>[] = [];
  const begun = performance.now();
  while (performance.now() - begun < PHASE_MS) {
    const due = Math.floor(((performance.now() - begun) * perSecond) / 1000);
    while (asks.length <= due) asks.push(work(app));
    await sleep(5);
  }
  const answers = await Promise.all(asks);
  return { statuses: answers.map(([status]) => status), tookMs: answers.map(([, tookMs]) => tookMs) };
}

async function work(app: string, ms = WORK_MS): Promise<readonly [status: number, tookMs: number]> {
  const since = performance.now();
  const path = `/work?ms=${ms}`;
  const { status } = await ask(tidegate.port, { path, headers: { host: `${app}.localhost` } });
  return [status, performance.now() - since];
}

function quantile(values: readonly number[], q: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(q * (values.length - 1))] ?? 0;
}

test('replicas follow a step of the load up and down, turn once a phase at most, and no request fails', async (t) => {
  await until(async () => (await work('step'))[0] === 200);
  const counts: number[] = [];
  const watching = new AbortController();
  const watch = (async () => {
    while (!watching.signal.aborted) {
      counts.push(await running('step'));
      await sleep(200);
    }
  })();
  const calm = await run('step', 10);
  const peakOf = counts.length;
  const busy = await run('step', 200);
  const after = await run('step', 10);
  await until(async () => (await running('step')) === 1);
  watching.abort();
  await watch;
  const statuses = [...calm.statuses, ...busy.statuses, ...after.statuses];
  assert.deepEqual([...new Set(statuses)], [200]);
  const peak = Math.max(...counts);
  assert.ok(peak >= 3, `twenty at a time of ten that one may have: ${counts.join(' ')}`);
  const turns = counts.slice(peakOf).filter((count, at, all) => {
    const [before, last] = [all[at - 1] ?? count, all[at - 2] ?? count];
    return (count - before) * (before - last) < 0;
  });
  assert.ok(turns.length <= 2, counts.join(' '));
  const settled = busy.tookMs.slice(Math.floor(busy.tookMs.length / 4));
  t.diagnostic(
    `at most ${peak} replicas; p50 ${quantile(settled, 0.5).toFixed()} ms, p95 ${quantile(settled, 0.95).toFixed()} ms`,
  );
});

test('fifty requests before a set at zero start the five replicas that they need, and all are answered', async () => {
  const answers = Promise.all(Array.from({ length: 50 }, () => work('crowd')));
  let peak = 0;
  let isOver = false;
  void answers.then(() => {
    isOver = true;
  });
  while (!isOver) {
    peak = Math.max(peak, await running('crowd'));
    await sleep(100);
  }
  assert.deepEqual([...new Set((await answers).map(([status]) => status))], [200]);
  assert.equal(peak, 5);
});

interface ScaleSeen {
  readonly ready: number;
  readonly spares: { readonly count: number; readonly burst: number; readonly start_ms: number | null };
}

test('after a burst replicas are kept frozen that the next one finds', { skip: !IS_LONG }, async (t) => {
  const scale = { max: 6, spare: 'auto', window: '8s', cooldown: '2s', stop: 'off' };
  const image = await engine.images.hello();
  await deployHello(tidegate, { image, app: 'bursts', more: { concurrency: 10, scale } });
  const seen = () => tidegate.adminJson<ScaleSeen>('/v1/apps/bursts/sets/web/scale');
  const frozen = async (): Promise<number> => {
    const { replicas } = await tidegate.adminJson<{ replicas: { phase: string }[] }>('/v1/apps/bursts/sets/web');
    return replicas.filter(({ phase }) => phase === 'frozen').length;
  };
  const burst = async (): Promise<number> => {
    const since = performance.now();
    const statuses = await Promise.all(Array.from({ length: 60 }, async () => (await work('bursts', 2000))[0]));
    assert.deepEqual([...new Set(statuses)], [200]);
    return performance.now() - since;
  };
  assert.equal((await seen()).spares.count, 0);
  const first = await burst();
  await until(async () => (await seen()).ready === 1 && (await frozen()) === (await seen()).spares.count, {
    what: 'spares are frozen beside the one that serves',
    timeoutMs: 60_000,
  });
  const { spares } = await seen();
  assert.ok(spares.count >= 2 && spares.count <= 5, `${spares.count} spares`);
  const second = burst();
  await until(async () => (await seen()).ready >= 1 + spares.count, { what: 'all of them serve' });
  t.diagnostic(
    `${spares.count} spares for a burst of ${spares.burst}, starts of ${spares.start_ms} ms; 60 requests took ${first.toFixed()} ms, and ${(await second).toFixed()} ms with them`,
  );
});
