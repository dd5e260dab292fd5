/**
 * Control killed in the middle of deployments, at moments spread over all of their phases: each ends all the same, the
 * next one runs, visitors notice nothing, and nothing is left that nobody stands for.
 *
 * Environment: `DEPLOYMENT_KILLS` rounds instead of 6.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deployHello, type OperationSeen, putHello } from '#test/support/deployed-app';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { SteadyLoad } from '#test/support/steady-load';
import { startTidegate, type TidegateProcess } from '#test/support/tidegate';
import { until } from '#test/support/until';
import { childrenOf } from '#test/workers/children';

const ROUNDS = Number(process.env.DEPLOYMENT_KILLS ?? 6);
const ENDS_WITHIN_MS = 30_000;
const STRATEGIES = ['rolling', 'bluegreen', 'recreate'] as const;

let engine: TestEngine;
let tidegate: TidegateProcess;

before(async () => {
  engine = await startTestEngine();
});
after(async () => {
  await tidegate?.close();
  await engine.close();
});

interface Container {
  readonly Labels: Readonly<Record<string, string>>;
}

async function replicasByRevision(): Promise<Record<string, number>> {
  const all = (await engine.docker.listContainers({ all: true })) as unknown as Container[];
  const counts: Record<string, number> = {};
  for (const { Labels } of all) {
    const revision = Labels['tidegate.revision'];
    if (revision !== undefined) counts[revision] = (counts[revision] ?? 0) + 1;
  }
  return counts;
}

async function lastOperation(): Promise<OperationSeen | null> {
  const answer = await tidegate.admin('/v1/operations?limit=1', { timeoutMs: 5000 });
  return (JSON.parse(answer.body) as { items: OperationSeen[] }).items[0] ?? null;
}

test(`${ROUNDS} deployments whose control is killed end all the same, and leave nothing behind`, async (t) => {
  const image = await engine.images.hello();
  tidegate = await startTidegate({ docker: engine.socket, settings: { TIDEGATE_WORKERS: '1' } });
  await deployHello(tidegate, { image, env: { ROUND: '0' } });
  const load = new SteadyLoad({ port: tidegate.port, hostname: 'shop.localhost', perSecond: 20 });
  const phases: string[] = [];
  let slowest = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    const strategy = STRATEGIES[round % STRATEGIES.length] ?? 'rolling';
    const { operation } = await putHello(tidegate, { image, env: { ROUND: String(round) }, strategy });
    // Golden ratio: moments spread over the time that a deployment takes, the same in every run.
    await sleep(((round * 0.618) % 1) * 1800);
    const seen = await tidegate
      .admin(`/v1/operations/${operation}`)
      .then(({ body }) => JSON.parse(body) as OperationSeen);
    const [control = 0] = childrenOf(tidegate.pid, 'control');
    process.kill(control, 'SIGKILL');
    const killedAt = performance.now();
    phases.push(`${strategy}/${seen.phase}`);
    const end = await until(
      async () => {
        const last = await lastOperation();
        return last !== null && ['succeeded', 'failed', 'canceled'].includes(last.state) ? last : null;
      },
      { what: `the operation ends after a kill in ${seen.phase}`, timeoutMs: ENDS_WITHIN_MS, everyMs: 50 },
    );
    slowest = Math.max(slowest, performance.now() - killedAt);
    assert.equal(end.id, operation);
    assert.equal(end.state, 'succeeded', JSON.stringify(end));
  }
  const outcome = await load.stop();
  t.diagnostic(`killed in ${phases.join(', ')}; slowest end ${Math.round(slowest)} ms after the kill`);
  // With recreate there are moments without any replica, in which requests are held and not refused.
  assert.equal(outcome.failed, 0, JSON.stringify(outcome));
  await until(async () => JSON.stringify(await replicasByRevision()) === JSON.stringify({ [`r${ROUNDS + 1}`]: 2 }), {
    what: 'one replica of the last revision is left, and nothing else',
  }).catch(async (error) => assert.fail(`${String(error)}: ${JSON.stringify(await replicasByRevision())}`));
  const networks = (await engine.docker.listNetworks()).filter(({ Name }) => Name.startsWith('tidegate-'));
  assert.equal(networks.length, 1);
});
