/**
 * Control killed in the middle of deployments, at moments spread over all of their phases and between two calls of the
 * Engine: each ends all the same, the next one runs, visitors notice nothing, and nothing is left that nobody stands for.
 *
 * Environment: `DEPLOYMENT_KILLS` rounds instead of 6.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deployHello, type OperationSeen, putHello } from '#test/support/deployed-app';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { EngineFront } from '#test/support/engine-front';
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
afterEach(async () => {
  await tidegate?.close();
  await engine.reset();
});
after(() => engine.close());

interface Container {
  readonly Id: string;
  readonly Labels: Readonly<Record<string, string>>;
}

async function containers(): Promise<Container[]> {
  return (await engine.docker.listContainers({ all: true })) as unknown as Container[];
}

async function containersByRevision(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { Labels } of await containers()) {
    const revision = Labels['tidegate.revision'];
    if (revision !== undefined) counts[revision] = (counts[revision] ?? 0) + 1;
  }
  return counts;
}

/** A pause container and its member, and nothing else. */
async function onlyOneReplicaOf(revision: string): Promise<void> {
  await until(async () => JSON.stringify(await containersByRevision()) === JSON.stringify({ [revision]: 2 }), {
    what: 'one replica of the last revision is left, and nothing else',
  }).catch(async (error) => assert.fail(`${String(error)}: ${JSON.stringify(await containersByRevision())}`));
}

function killControl(): void {
  const [control = 0] = childrenOf(tidegate.pid, 'control');
  process.kill(control, 'SIGKILL');
}

/** Of the last operation, once it has ended, through ends of control. */
async function endOfLast(what: string): Promise<OperationSeen> {
  return await until(
    async () => {
      const last = await lastOperation();
      return last !== null && ['succeeded', 'failed', 'canceled'].includes(last.state) ? last : null;
    },
    { what, timeoutMs: ENDS_WITHIN_MS, everyMs: 50 },
  );
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
    killControl();
    const killedAt = performance.now();
    phases.push(`${strategy}/${seen.phase}`);
    const end = await endOfLast(`the operation ends after a kill in ${seen.phase}`);
    slowest = Math.max(slowest, performance.now() - killedAt);
    assert.equal(end.id, operation);
    assert.equal(end.state, 'succeeded', JSON.stringify(end));
  }
  const outcome = await load.stop();
  t.diagnostic(`killed in ${phases.join(', ')}; slowest end ${Math.round(slowest)} ms after the kill`);
  // With recreate there are moments without any replica, in which requests are held and not refused.
  assert.equal(outcome.failed, 0, JSON.stringify(outcome));
  await onlyOneReplicaOf(`r${ROUNDS + 1}`);
  const networks = (await engine.docker.listNetworks()).filter(({ Name }) => Name.startsWith('tidegate-'));
  assert.equal(networks.length, 1);
});

for (const { what, strategy, call, lateMs } of [
  {
    what: 'its members are gone, its pause container is not',
    strategy: 'recreate',
    call: /^DELETE .*PAUSE/,
    lateMs: null,
  },
  { what: 'its members are about to go', strategy: 'rolling', call: /^DELETE .*MEMBER/, lateMs: null },
  { what: 'its pause container is made later', strategy: 'rolling', call: /create\?name=(?!.*-main)/, lateMs: 2500 },
  { what: 'its member is made later', strategy: 'rolling', call: /create\?name=.*-main/, lateMs: 2500 },
]) {
  test(`of a replica nothing is left when control is killed while ${what}`, async () => {
    await using front = new EngineFront(engine.socketPath);
    await front.listen();
    const image = await engine.images.hello();
    tidegate = await startTidegate({ docker: front.socket, settings: { TIDEGATE_WORKERS: '1' } });
    await deployHello(tidegate, { image, env: { ROUND: '0' } });
    const idOf = async (role: string): Promise<string> =>
      (await containers()).find(({ Labels }) => Labels['tidegate.role'] === role)?.Id ?? '';
    const source = call.source.replace('PAUSE', await idOf('pause')).replace('MEMBER', await idOf('member'));
    front.cutNext({ call: new RegExp(source), onCut: killControl, lateMs });
    const { operation } = await putHello(tidegate, { image, env: { ROUND: '1' }, strategy });
    await until(() => !front.isArmed, { what: 'control is killed' });
    const end = await endOfLast('the operation ends');
    assert.deepEqual([end.id, end.state], [operation, 'succeeded']);
    if (lateMs !== null) await sleep(lateMs);
    await onlyOneReplicaOf('r2');
  });
}

test('members are replaced to the end when control is killed while the old one is about to go', async () => {
  await using front = new EngineFront(engine.socketPath);
  await front.listen();
  const image = await engine.images.hello();
  tidegate = await startTidegate({ docker: front.socket, settings: { TIDEGATE_WORKERS: '1' } });
  const [main, agent] = [
    { index: 1, name: 'main', image },
    { index: 2, name: 'agent', image, options: { env: { PORT: '9090' } } },
  ];
  await deployHello(tidegate, { image, more: { containers: [main, agent] } });
  const agents = async (): Promise<Container[]> =>
    (await containers()).filter(({ Labels }) => Labels['tidegate.member'] === '2.agent');
  const [old] = await agents();
  front.cutNext({ call: new RegExp(`^DELETE .*${old?.Id}`), onCut: killControl, lateMs: null });
  const next = { ...agent, options: { env: { PORT: '9090', RELEASE: '2' } } };
  const { id } = await tidegate.adminJson<OperationSeen>('/v1/apps/shop/deployments', {
    method: 'POST',
    body: JSON.stringify({ sets: ['web'], strategy: 'member', members: [2], containers: [main, next] }),
  });
  await until(() => !front.isArmed, { what: 'control is killed' });
  const end = await endOfLast('the operation ends');
  assert.deepEqual([end.id, end.state], [id, 'succeeded'], JSON.stringify(end));
  const [made, ...others] = await agents();
  assert.deepEqual(others, []);
  const inside = await engine.docker.getContainer(made?.Id ?? '').inspect();
  assert.ok(inside.State.Running && inside.Config.Env.includes('RELEASE=2'));
  assert.doesNotMatch(inside.Name, /-next$/);
});
