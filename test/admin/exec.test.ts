/** Which container a command is meant for, and what is said when there is none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerStatus, MemberSnapshot } from '#core/set';
import { replica, snapshot } from '#test/router/sample';
import { live, TENANT_TOKEN, Tidegate } from './tidegate.ts';

const EXEC = '/v1/apps/shop/exec';
const COMMAND = { command: ['ls'] };

function member(index: number, name: string, status: ContainerStatus = 'running'): MemberSnapshot {
  const facts = { startedAt: null, exitCode: null, oomKilled: false, image: '', pid: index };
  return { index, name, containerId: `${name}-container`, status, ...facts };
}

async function ground() {
  const touched: string[] = [];
  const exec = { engine: () => null, touch: (id: string) => void touched.push(id) };
  const tidegate = await Tidegate.start(100, { exec });
  const post = (body: object, path = EXEC) => {
    const answer = tidegate.json(path, { method: 'POST', body });
    // Whoever waits for a wake waits by this clock.
    void (async () => {
      for (let i = 0; i < 100; i++) await tidegate.clock.advance(1000);
    })();
    return answer;
  };
  return { tidegate, touched, post };
}

test('of several replicas one that takes requests is chosen, and its main container', async () => {
  const { tidegate, post, touched } = await ground();
  const members = [member(1, 'main'), member(2, 'agent')];
  const replicas = [replica('pod-1', { members }), replica('pod-2', { members: [member(1, 'other')] })];
  const phases = [
    { id: 'local/pod-1', phase: 'probing', inFlight: 0 },
    { id: 'local/pod-2', phase: 'ready', inFlight: 0 },
  ];
  tidegate.discover(snapshot('default/shop/web', [], { replicas }), live({ replicas: phases }));
  const { status, json } = await post(COMMAND);
  assert.equal(status, 201);
  assert.deepEqual([json.at('container_id'), json.at('replica'), json.at('set')], ['other-container', 'pod-2', 'web']);
  assert.match(String(json.at('url')), /^\/v1\/exec\?ticket=[-\w]{32}$/);
  assert.deepEqual(touched, ['local/pod-2']);
  const agent = await post({ ...COMMAND, replica: 'pod-1', member: 'agent' });
  assert.equal(agent.json.at('container_id'), 'agent-container');
  for (const wish of [{ replica: 'pod-3' }, { member: 'nobody' }, { set: 'none' }]) {
    assert.equal((await post({ ...COMMAND, ...wish })).status, 404, JSON.stringify(wish));
  }
});

test('with several sets one has to be named', async () => {
  const { tidegate, post } = await ground();
  tidegate.discover(snapshot('default/shop/web', []));
  tidegate.discover(snapshot('default/shop/db', []));
  const { status, json } = await post(COMMAND);
  assert.equal(status, 422);
  assert.equal(json.at('errors.0.pointer'), '/set');
});

test('where nothing runs that is said, and a wake is waited for when it is asked for', async () => {
  const { tidegate, post } = await ground();
  tidegate.discover(snapshot('default/shop/web', [], { replicas: [replica('one', { status: 'exited', pid: 0 })] }));
  const refused = await post(COMMAND);
  assert.deepEqual([refused.status, refused.json.at('code')], [409, 'not_running']);
  assert.equal(tidegate.leases.length, 0);
  const inVain = await post(COMMAND, `${EXEC}?wake=true`);
  assert.equal(inVain.json.at('code'), 'not_running');
  assert.equal(tidegate.leases.length, 1);
});

test('a frozen replica is thawed first', async () => {
  const { tidegate, post, touched } = await ground();
  const frozen = snapshot('default/shop/web', [], { replicas: [replica('one')] });
  const phase = (name: string) => live({ replicas: [{ id: 'local/one', phase: name, inFlight: 0 }] });
  tidegate.discover(frozen, phase('frozen'));
  const answer = post(COMMAND);
  tidegate.clock.after(1000, () => tidegate.discover(frozen, phase('ready')));
  assert.equal((await answer).status, 201);
  assert.deepEqual(touched, ['local/one', 'local/one']);
});

test('what cannot be run is refused before anything is', async () => {
  const { tidegate, post } = await ground();
  tidegate.discover(snapshot('default/shop/web', [], { replicas: [replica('one')] }));
  const wrong = [{ command: [] }, { command: ['a\0b'] }, { env: { 'A=B': '1' } }, { cols: 0 }, { privileged: true }];
  for (const more of wrong) assert.equal((await post({ ...COMMAND, ...more })).status, 422, JSON.stringify(more));
});

test('another tenant’s app is not there, and a path for WebSockets says what it is', async () => {
  const { tidegate } = await ground();
  tidegate.discover(snapshot('acme/shop/web', [], { replicas: [replica('one')] }));
  const headers = { authorization: `Bearer ${TENANT_TOKEN}` };
  assert.equal((await tidegate.ask(EXEC, { method: 'POST', body: COMMAND, headers })).status, 404);
  const plain = await tidegate.ask('/v1/exec?ticket=x');
  assert.equal(plain.status, 426);
  assert.equal(plain.headers.get('upgrade'), 'websocket');
});
