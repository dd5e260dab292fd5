/** Replicas of several containers on a real Engine: what they share, how they start, change and end, and what they leave. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { systemClock } from '#core/clock';
import { type ErrorCode, isTidegateError } from '#core/errors';
import { silentLog } from '#core/log';
import { openEngine } from '#docker/docker-engine';
import type { HostEngine } from '#docker/host-engine';
import type { MemberPlan } from '#docker/replica-plan';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { execIn } from '#test/support/exec-in';
import { IDLE_COMMAND, memberPlan, replicaPlan } from '#test/support/replica-plans';
import { until } from '#test/support/until';

const NETWORK = 'tidegate-t-shop';
const MIB = 1_048_576;
/** Replicas that are timed. */
const ROUNDS = 10;

let testEngine: TestEngine;
let engine: HostEngine;
let image: string;
let replicaCount = 0;

before(async () => {
  testEngine = await startTestEngine();
  image = await testEngine.images.hello();
  engine = openEngine({ endpoint: testEngine.socket, host: 'h1', clock: systemClock, log: silentLog });
});
afterEach(() => testEngine.reset());
after(async () => {
  engine?.close();
  await testEngine?.close();
});

function code(expected: ErrorCode) {
  return (error: unknown) => isTidegateError(error, expected);
}

function main(more: Partial<MemberPlan> = {}): MemberPlan {
  return memberPlan({ index: 1, name: 'main', image, ...more });
}

function idle(index: number, name: string, more: Partial<MemberPlan> = {}): MemberPlan {
  return memberPlan({ index, name, image, command: IDLE_COMMAND, ...more });
}

interface Made {
  readonly id: string;
  readonly pauseId: string;
  readonly name: string;
}

async function make(
  members: readonly MemberPlan[],
  more: Partial<Parameters<typeof replicaPlan>[0]> = {},
): Promise<Made> {
  await engine.ensureNetwork({ name: NETWORK, labels: { 'tidegate.app': 'shop' } });
  const plan = replicaPlan({ id: `rep_${++replicaCount}`, network: NETWORK, members, ...more });
  return { id: plan.id, name: plan.name, pauseId: await engine.makeReplica(plan) };
}

async function started(members: readonly MemberPlan[], more = {}): Promise<Made> {
  const made = await make(members, more);
  await engine.start(made.pauseId);
  return made;
}

function inspect(id: string) {
  return testEngine.docker.getContainer(id).inspect();
}

function member({ name }: Made, of: string) {
  return inspect(`${name}-${of}`);
}

async function addressOf({ pauseId }: Made): Promise<string> {
  return (await engine.inspect(pauseId)).networks[0]?.ip ?? '';
}

async function answers(address: string): Promise<boolean> {
  const response = await fetch(`http://${address}:8080/healthz`, {
    signal: AbortSignal.timeout(1000),
    headers: { connection: 'close' },
  }).catch(() => null);
  await response?.body?.cancel();
  return response?.ok ?? false;
}

async function containersOf(replica: string): Promise<string[]> {
  const all = await testEngine.docker.listContainers({ all: true });
  return all.filter(({ Labels }) => Labels['tidegate.replica'] === replica).map(({ Names }) => Names[0] ?? '');
}

/** A file of the control group of a container, by the place its main process is in. */
function cgroupFile(pid: number, controller: string, file: string): string {
  const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  const v1 = new RegExp(`^\\d+:(?:[^:]*,)?${controller}(?:,[^:]*)?:(.*)$`, 'm').exec(groups)?.[1];
  const folder = v1 === undefined ? (/^0::(.*)$/m.exec(groups)?.[1] ?? '') : path.join(controller, v1);
  return readFileSync(path.join('/sys/fs/cgroup', folder, file), 'utf8').trim();
}

test('a replica at rest keeps its address, and its members come back to it', async () => {
  const made = await started([main(), idle(2, 'agent')]);
  const address = await addressOf(made);
  await until(() => answers(address), { what: 'it answers' });
  await engine.rest(made.pauseId, 5);
  const [pause, first, second] = await Promise.all([
    inspect(made.pauseId),
    member(made, 'main'),
    member(made, 'agent'),
  ]);
  assert.deepEqual(
    [pause, first, second].map(({ State }) => State.Running),
    [true, false, false],
  );
  await engine.start(made.pauseId);
  assert.equal(await addressOf(made), address);
  await until(() => answers(address), { what: 'it answers again, at the same address' });
  assert.equal((await inspect(made.pauseId)).State.StartedAt, pause.State.StartedAt);
});

test('the members of a replica share its address, its memory for messages and its volume', async () => {
  await engine.ensureVolume({ name: 'tidegate-t-shop-data', labels: { 'tidegate.app': 'shop' } });
  const volumes = [{ volume: 'tidegate-t-shop-data', path: '/data', readonly: false }];
  const made = await started([main({ volumes }), idle(2, 'agent', { volumes, user: '0' })]);
  const address = await addressOf(made);
  await until(() => answers(address), { what: 'the main member answers on the address of the replica' });

  const agent = `${made.name}-agent`;
  const seen = await execIn(testEngine, agent, [
    'node',
    '-e',
    `fetch('http://127.0.0.1:8080/healthz').then((r) => console.log(String(r.status)))`,
  ]);
  assert.equal(seen.output.trim(), '200');

  const write = `const fs = require('fs'); fs.writeFileSync('/data/x', 'volume'); fs.writeFileSync('/dev/shm/x', 'shm')`;
  assert.equal((await execIn(testEngine, agent, ['node', '-e', write])).exitCode, 0);
  const read = `const fs = require('fs'); console.log(fs.readFileSync('/data/x') + ' ' + fs.readFileSync('/dev/shm/x'))`;
  assert.equal((await execIn(testEngine, `${made.name}-main`, ['node', '-e', read])).output.trim(), 'volume shm');
});

test('a replica says what it is: every container by its labels, the pause container with the routes', async () => {
  const made = await make([main(), idle(2, 'agent')]);
  const listed = (await engine.list()).filter(({ labels }) => labels['tidegate.replica'] === made.id);
  const byRole = Map.groupBy(listed, ({ labels }) => labels['tidegate.role']);
  assert.deepEqual(
    byRole.get('pause')?.map(({ id, labels }) => [id, labels['tidegate.port']]),
    [[made.pauseId, '8080']],
  );
  assert.deepEqual(
    byRole
      .get('member')
      ?.map(({ labels }) => labels['tidegate.member'])
      .sort(),
    ['1.main', '2.agent'],
  );
  assert.ok(listed.every(({ labels, status }) => labels['tidegate.revision'] === 'r1' && status === 'created'));
  assert.ok(byRole.get('member')?.every(({ labels }) => labels['tidegate.port'] === undefined));
  const pause = await engine.inspect(made.pauseId);
  assert.deepEqual(pause.exposedPorts, [8080]);
  assert.equal(pause.networkMode, NETWORK);
  assert.equal(pause.imageId, await engine.ensurePauseImage());
});

test('members start in the order of their indices and stop in reverse, the pause container around them', async () => {
  const made = await make([idle(3, 'late'), main(), idle(2, 'left'), idle(2, 'right')]);
  const order = followLives(made);
  await engine.start(made.pauseId);
  await until(() => order.names.length === 5, { what: 'five starts' });
  assert.equal(order.names[0], made.name);
  assert.equal(order.names[1], `${made.name}-main`);
  assert.deepEqual(order.names.slice(2, 4).sort(), [`${made.name}-left`, `${made.name}-right`]);
  assert.equal(order.names[4], `${made.name}-late`);

  order.names.length = 0;
  await engine.stop(made.pauseId, 5);
  await until(() => order.names.length === 5, { what: 'five ends' });
  order.close();
  assert.equal(order.names[0], `${made.name}-late`);
  assert.deepEqual(order.names.slice(3), [`${made.name}-main`, made.name]);
});

/** Names of the containers of a replica as they start and end. */
function followLives({ id }: Made) {
  const names: string[] = [];
  const controller = new AbortController();
  engine.follow(
    {
      onConnected: () => {},
      onLost: () => {},
      onEvent: ({ action, attributes }) => {
        if (attributes['tidegate.replica'] !== id) return;
        if (action === 'start' || action === 'die') names.push(attributes.name ?? '');
      },
    },
    controller.signal,
  );
  return { names, close: () => controller.abort() };
}

test('starting a replica whose member died brings that one back, with address and all others as they were', async () => {
  const made = await started([main(), idle(2, 'agent')]);
  const [address, mainBefore, agentBefore] = [
    await addressOf(made),
    await member(made, 'main'),
    await member(made, 'agent'),
  ];
  await testEngine.docker.getContainer(mainBefore.Id).kill();
  await until(async () => !(await member(made, 'main')).State.Running, { what: 'the main member is dead' });

  await engine.start(made.pauseId);
  assert.equal(await addressOf(made), address);
  assert.notEqual((await member(made, 'main')).State.Pid, mainBefore.State.Pid);
  assert.equal((await member(made, 'agent')).State.StartedAt, agentBefore.State.StartedAt);
  await until(() => answers(address), { what: 'the main member answers again, on the same address and port' });
});

test('after the death of its pause container a replica comes back with all members in its new network', async () => {
  const made = await started([main(), idle(2, 'agent')]);
  await testEngine.docker.getContainer(made.pauseId).kill();
  await until(async () => (await engine.inspect(made.pauseId)).status === 'exited', { what: 'it is dead' });
  assert.equal((await member(made, 'main')).State.Running, true, 'members run on, in a network that is lost');
  await engine.start(made.pauseId);
  const address = await addressOf(made);
  await until(() => answers(address), { what: 'the main member answers in the new network' });
});

test('a replica wakes though its network was pruned, and one that it was linked with is gone', async () => {
  const link = 'tidegate-t-blog';
  const linked = { name: link, labels: { 'tidegate.app': 'blog' } };
  await engine.ensureNetwork(linked);
  const joins = [{ name: link, aliases: ['web.shop.internal'] }];
  const made = await started([main(), idle(2, 'agent')], { joins });
  const db = await make([main()], { set: 'db' });
  await engine.stop(made.pauseId, 2);
  await testEngine.docker.pruneNetworks();
  assert.deepEqual(await engine.networks(), []);
  await engine.start(made.pauseId);
  assert.deepEqual(
    (await engine.networks()).map(({ name }) => name),
    [NETWORK],
  );
  const address = await addressOf(made);
  await until(() => answers(address), { what: 'the main member answers' });
  await engine.start(db.pauseId);
  assert.equal(await lookedUp(`${db.name}-main`, 'web'), address, 'both are in the new network, under their names');

  await engine.stop(made.pauseId, 2);
  const before = await engine.ensureNetwork(linked);
  await engine.removeNetwork(link);
  assert.notEqual(await engine.ensureNetwork(linked), before);
  await engine.start(made.pauseId);
  assert.equal(await lookedUp(`${db.name}-main`, 'web.shop.internal'), await addressOf(made));
});

async function lookedUp(container: string, name: string): Promise<string> {
  const script = `require('dns').lookup('${name}', (error, address) => console.log(error ? error.code : address))`;
  return (await execIn(testEngine, container, ['node', '-e', script])).output.trim();
}

test('a replica that lost a container for good is not started', async () => {
  const made = await make([main(), idle(2, 'agent')]);
  await testEngine.docker.getContainer(`${made.name}-agent`).remove();
  await engine.list();
  await assert.rejects(engine.start(made.pauseId), code('replica.incomplete'));
  assert.equal((await engine.inspect(made.pauseId)).status, 'created');
});

test('another Tidegate that knows nothing of a replica yet acts on all of it', async () => {
  const made = await make([main(), idle(2, 'agent')]);
  const other = openEngine({ endpoint: testEngine.socket, host: 'h1', clock: systemClock, log: silentLog });
  await other.start(made.pauseId);
  assert.equal((await member(made, 'agent')).State.Running, true);
  await other.stop(made.pauseId, 2);
  assert.equal((await member(made, 'agent')).State.Running, false);
  await other.remove(made.pauseId);
  assert.deepEqual(await containersOf(made.id), []);
  other.close();
});

test('pausing and freezing hold the members and leave the network alone', async () => {
  const made = await started([main(), idle(2, 'agent')]);
  const address = await addressOf(made);
  await until(() => answers(address), { what: 'it answers' });
  await engine.pause(made.pauseId);
  assert.deepEqual(
    [(await member(made, 'main')).State.Status, (await member(made, 'agent')).State.Status],
    ['paused', 'paused'],
  );
  assert.equal((await engine.inspect(made.pauseId)).status, 'running');
  await engine.unpause(made.pauseId);
  assert.ok(await answers(address));

  const { Pid } = (await member(made, 'main')).State;
  const target = { containerId: made.pauseId, pid: Pid, hasHealthcheck: false };
  assert.equal(await engine.freeze(target), true);
  assert.equal(await engine.isFrozen(target), true);
  assert.equal(await answers(address), false);
  assert.equal(await engine.thaw(target), true);
  assert.equal(await engine.isFrozen(target), false);
  assert.ok(await answers(address));

  await engine.freeze(target);
  await engine.stop(made.pauseId, 10);
  assert.equal((await member(made, 'main')).State.ExitCode, 0, 'it could end by itself, though it was frozen');
});

test('a replica with one dead member can be paused, one without any that lives cannot', async () => {
  const made = await started([main(), idle(2, 'job', { command: ['node', '-e', ''] })]);
  await until(async () => (await member(made, 'job')).State.Status === 'exited', { what: 'the job has ended' });
  await engine.pause(made.pauseId);
  assert.equal((await member(made, 'main')).State.Status, 'paused');
  await engine.unpause(made.pauseId);
  await testEngine.docker.getContainer(`${made.name}-main`).kill();
  await assert.rejects(engine.pause(made.pauseId), code('engine.refused'));
});

test('one that runs is not removed, and loses nothing; one that is down goes whole, with its anonymous volumes', async () => {
  const made = await started([main(), idle(2, 'job', { command: ['node', '-e', ''] })]);
  await until(async () => (await member(made, 'job')).State.Status === 'exited', { what: 'the job has ended' });
  await assert.rejects(engine.remove(made.pauseId), code('engine.refused'));
  assert.equal((await containersOf(made.id)).length, 3);
  await engine.stop(made.pauseId, 2);
  await engine.remove(made.pauseId);
  assert.deepEqual(await containersOf(made.id), []);
  await engine.remove(made.pauseId); // gone is gone
});

test('where a member cannot be made, nothing is left behind', async () => {
  await assert.rejects(make([main(), idle(2, 'agent', { image: 'no/such:image' })]), code('image.not_found'));
  await assert.rejects(make([main(), idle(2, 'agent', { memoryBytes: 1 })]), code('engine.refused'));
  const controller = new AbortController();
  controller.abort(new Error('canceled'));
  const plan = replicaPlan({ id: 'rep_canceled', network: NETWORK, members: [main()] });
  await assert.rejects(engine.makeReplica(plan, controller.signal), /canceled/);
  assert.deepEqual(await testEngine.docker.listContainers({ all: true }), []);
});

test('what a dead process left half made is swept, what is whole or of another instance stays', async () => {
  const whole = await make([main(), idle(2, 'agent')]);
  const half = await make([main(), idle(2, 'agent')]);
  await testEngine.docker.getContainer(`${half.name}-agent`).remove();
  const headless = await make([main(), idle(2, 'agent')]);
  await testEngine.docker.getContainer(headless.pauseId).remove();
  const labels = { 'tidegate.app': 'shop', 'tidegate.instance': 'ins_other' };
  const foreign = await make([main(), idle(2, 'agent')], { labels });
  await testEngine.docker.getContainer(`${foreign.name}-agent`).remove();

  assert.deepEqual([...(await engine.sweepReplicas('ins_test'))].sort(), [half.id, headless.id].sort());
  assert.equal((await containersOf(whole.id)).length, 3);
  assert.equal((await containersOf(foreign.id)).length, 2);
  assert.deepEqual([...(await containersOf(half.id)), ...(await containersOf(headless.id))], []);
});

test('a replica that is down and lacks members goes, one that serves without one of them stays', async () => {
  const cut = await started([main(), idle(2, 'agent')]);
  await engine.stop(cut.pauseId, 5);
  await testEngine.docker.getContainer(`${cut.name}-main`).remove();
  const empty = await started([main()]);
  await testEngine.docker.getContainer(`${empty.name}-main`).remove({ force: true });
  const asleep = await started([main()]);
  await engine.stop(asleep.pauseId, 5);
  const serving = await started([main(), idle(2, 'agent')]);
  await testEngine.docker.getContainer(`${serving.name}-agent`).remove({ force: true });

  assert.deepEqual([...(await engine.sweepReplicas('ins_test'))].sort(), [cut.id, empty.id].sort());
  assert.deepEqual([...(await containersOf(cut.id)), ...(await containersOf(empty.id))], []);
  assert.equal((await containersOf(asleep.id)).length, 2);
  assert.equal((await containersOf(serving.id)).length, 2);
});

test('a member that runs on without its pause container is asked to end before it goes', async () => {
  const write = (name: string): string => `require('fs').writeFileSync('/data/${name}', '')`;
  const says = `process.on('SIGTERM', () => { ${write('ended')}; process.exit(0); }); setInterval(() => {}, 1000); ${write('up')}`;
  await testEngine.docker.createVolume({ Name: 'kept' });
  const volumes = [{ volume: 'kept', path: '/data', readonly: false }];
  const made = await started([main(), idle(2, 'agent', { command: ['node', '-e', says], volumes, user: '0' })]);
  const { Mountpoint: place } = await testEngine.docker.getVolume('kept').inspect();
  await until(() => readdirSync(place).includes('up'), { what: 'it is up' });
  await testEngine.docker.getContainer(made.pauseId).remove({ force: true });
  assert.deepEqual([...(await engine.sweepReplicas('ins_test'))], [made.id]);
  assert.deepEqual(await containersOf(made.id), []);
  assert.deepEqual(readdirSync(place).sort(), ['ended', 'up']);
});

test('limits stand in the control groups, also for more cores than the host has', async () => {
  const made = await started([
    main({ nanoCpus: 500_000_000, memoryBytes: 96 * MIB }),
    idle(2, 'agent', { nanoCpus: 640_000_000_000 }),
  ]);
  const [mainPid, agentPid] = [(await member(made, 'main')).State.Pid, (await member(made, 'agent')).State.Pid];
  assert.equal(cores(mainPid), 0.5);
  assert.equal(cores(agentPid), 640);
  assert.equal(memoryLimit(mainPid), 96 * MIB);
});

function isV2(pid: number): boolean {
  return !/^\d+:[^:]*\bmemory\b/m.test(readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
}

function cores(pid: number): number {
  const [quota, period] = isV2(pid)
    ? cgroupFile(pid, 'cpu', 'cpu.max').split(' ')
    : [cgroupFile(pid, 'cpu', 'cpu.cfs_quota_us'), cgroupFile(pid, 'cpu', 'cpu.cfs_period_us')];
  return Number(quota) / Number(period);
}

function memoryLimit(pid: number): number {
  return Number(cgroupFile(pid, 'memory', isV2(pid) ? 'memory.max' : 'memory.limit_in_bytes'));
}

test('a resize changes limits and nothing else, and outlives restarts, also of the Engine; a refused one changes nothing', async () => {
  const made = await started([
    main({ nanoCpus: 500_000_000, memoryBytes: 64 * MIB }),
    idle(2, 'agent', { nanoCpus: 500_000_000, memoryBytes: 64 * MIB }),
  ]);
  const before = (await member(made, 'main')).State;
  await engine.resize(made.pauseId, [{ index: 1, nanoCpus: 1_000_000_000, memoryBytes: 128 * MIB }]);
  const after = (await member(made, 'main')).State;
  assert.deepEqual([after.Pid, after.StartedAt], [before.Pid, before.StartedAt]);
  assert.equal(memoryLimit(after.Pid), 128 * MIB);
  assert.equal(cores(after.Pid), 1);
  assert.equal(memoryLimit((await member(made, 'agent')).State.Pid), 64 * MIB);

  const refused = [
    { index: 1, nanoCpus: null, memoryBytes: 96 * MIB },
    { index: 2, nanoCpus: null, memoryBytes: 1 },
  ];
  await assert.rejects(engine.resize(made.pauseId, refused), code('engine.refused'));
  assert.equal(memoryLimit(after.Pid), 128 * MIB);
  assert.equal(cores(after.Pid), 1);

  await engine.stop(made.pauseId, 2);
  await testEngine.restart();
  await engine.start(made.pauseId);
  assert.equal(memoryLimit((await member(made, 'main')).State.Pid), 128 * MIB);
});

test('a member is replaced while the main one and the address stay as they are', async () => {
  const made = await started([main(), idle(2, 'agent'), idle(3, 'logger')]);
  const before = {
    main: await member(made, 'main'),
    agent: await member(made, 'agent'),
    address: await addressOf(made),
  };
  const next = idle(2, 'agent', { env: { GENERATION: '2' } });
  await engine.replaceMembers(made.pauseId, [next], { 'tidegate.revision': 'r2' });

  const agent = await member(made, 'agent');
  assert.notEqual(agent.Id, before.agent.Id);
  assert.equal(agent.State.Running, true);
  assert.ok(agent.Config.Env.includes('GENERATION=2'));
  assert.deepEqual(
    ['app', 'revision', 'member', 'replica', 'instance'].map((name) => agent.Config.Labels[`tidegate.${name}`]),
    ['shop', 'r2', '2.agent', made.id, 'ins_test'],
  );
  assert.equal((await member(made, 'main')).State.StartedAt, before.main.State.StartedAt);
  assert.equal(await addressOf(made), before.address);
  assert.equal((await containersOf(made.id)).length, 4);
  await engine.stop(made.pauseId, 2);
  assert.equal((await member(made, 'agent')).State.Running, false, 'the new one belongs to the replica');
});

/** What a change of the member `agent` leaves that was cut off when the one to come had been created, or started. */
async function cutChange(made: Made, { starts, keepsOld }: { starts: boolean; keepsOld: boolean }): Promise<string> {
  const old = await member(made, 'agent');
  const next = await testEngine.docker.createContainer({
    ...{ name: `${made.name}-agent.next`, Image: image, Cmd: old.Config.Cmd, Labels: old.Config.Labels },
    HostConfig: { NetworkMode: `container:${made.pauseId}` },
  });
  if (starts) {
    await testEngine.docker.getContainer(old.Id).stop({ t: 1 });
    await next.start();
  }
  if (!keepsOld) await testEngine.docker.getContainer(old.Id).remove({ force: true });
  return next.id;
}

test('a change of members that was cut off is brought to an end by a sweep, at whatever step', async () => {
  const before = await started([main(), idle(2, 'agent')]);
  const old = await member(before, 'agent');
  await cutChange(before, { starts: false, keepsOld: true });
  const swapped = await started([main(), idle(2, 'agent')]);
  const swappedTo = await cutChange(swapped, { starts: true, keepsOld: true });
  const unnamed = await started([main(), idle(2, 'agent')]);
  const unnamedTo = await cutChange(unnamed, { starts: true, keepsOld: false });
  const asleep = await started([main(), idle(2, 'agent')]);
  await engine.stop(asleep.pauseId, 1);
  const asleepTo = await cutChange(asleep, { starts: false, keepsOld: false });

  const ids = [before, swapped, unnamed, asleep].map(({ id }) => id);
  assert.deepEqual([...(await engine.sweepReplicas('ins_test'))].sort(), ids.sort());
  assert.deepEqual([...(await engine.sweepReplicas('ins_test'))], []);
  for (const [made, agent] of [
    [before, old.Id],
    [swapped, swappedTo],
    [unnamed, unnamedTo],
    [asleep, asleepTo],
  ] as const) {
    assert.equal((await member(made, 'agent')).Id, agent);
    assert.equal((await containersOf(made.id)).length, 3);
  }
  await engine.start(asleep.pauseId);
  assert.equal((await member(asleep, 'agent')).State.Running, true);
});

test('a change of members that was cut off is no obstacle to the next one', async () => {
  const made = await started([main(), idle(2, 'agent')]);
  const { State: before } = await member(made, 'main');
  for (const keepsOld of [true, false]) {
    await cutChange(made, { starts: true, keepsOld });
    const env = { KEEPS_OLD: String(keepsOld) };
    await engine.replaceMembers(made.pauseId, [idle(2, 'agent', { env })], { 'tidegate.revision': 'r2' });
    const agent = await member(made, 'agent');
    assert.ok(agent.State.Running && agent.Config.Env.includes(`KEEPS_OLD=${keepsOld}`));
    assert.equal((await containersOf(made.id)).length, 3);
  }
  assert.equal((await member(made, 'main')).State.StartedAt, before.StartedAt);
});

test('a start brings a change that was cut off to an end first: two in one place never run at a time', async () => {
  const made = await started([main(), idle(2, 'agent')]);
  const old = await member(made, 'agent');
  await cutChange(made, { starts: false, keepsOld: true });
  await testEngine.docker.getContainer(old.Id).stop({ t: 1 });
  await engine.list(); // as every process does that finds it
  await engine.start(made.pauseId);
  assert.equal((await member(made, 'agent')).Id, old.Id);
  assert.equal((await member(made, 'agent')).State.Running, true);
  assert.equal((await containersOf(made.id)).length, 3);
});

test('a member whose name is taken is no obstacle to the next change', async () => {
  const made = await started([main(), idle(2, 'agent')]);
  await assert.rejects(engine.replaceMembers(made.pauseId, [idle(2, 'main')], {}), code('engine.refused'));
  await engine.replaceMembers(made.pauseId, [idle(2, 'agent', { env: { AGAIN: '1' } })], {});
  assert.ok((await member(made, 'agent')).Config.Env.includes('AGAIN=1'));
  assert.equal((await containersOf(made.id)).length, 3);
});

test('where a new member cannot be had, the old one runs on', async () => {
  const made = await started([main(), idle(2, 'agent')]);
  const before = await member(made, 'agent');
  const replace = (more: Partial<MemberPlan>) =>
    engine.replaceMembers(made.pauseId, [idle(2, 'agent', more)], { 'tidegate.revision': 'r2' });
  await assert.rejects(replace({ image: 'no/such:image' }), code('image.not_found'));
  assert.equal((await member(made, 'agent')).State.StartedAt, before.State.StartedAt, 'it was not even touched');
  await assert.rejects(replace({ entrypoint: ['/no/such/program'], init: false }), code('engine.refused'));
  const kept = await member(made, 'agent');
  assert.deepEqual([kept.Id, kept.State.Running], [before.Id, true]);
  assert.equal((await containersOf(made.id)).length, 3);
});

test('sets of an app find each other by name, and a replica knows the sysctls that it was given', async () => {
  const web = await started([main({ command: IDLE_COMMAND })], { sysctls: { 'net.core.somaxconn': '777' } });
  const db = await started([main()], { set: 'db' });
  const address = await addressOf(db);
  const lookUp = `const dns = require('dns').promises; Promise.all(['db', 'db.shop.internal'].map((n) => dns.lookup(n))).then((a) => console.log(a.map((x) => x.address).join(' ')), (e) => console.log(e.message))`;
  const seen = await execIn(testEngine, `${web.name}-main`, ['node', '-e', lookUp]);
  assert.equal(seen.output.trim(), `${address} ${address}`);
  const read = `console.log(require('fs').readFileSync('/proc/sys/net/core/somaxconn', 'utf8'))`;
  assert.equal((await execIn(testEngine, `${web.name}-main`, ['node', '-e', read])).output.trim(), '777');
});

test('with shared processes, members see each other and the pause container reaps their orphans', async () => {
  const orphan = `require('child_process').spawn('node', ['-e', "require('child_process').spawn('node', ['-e', 'setTimeout(() => {}, 50)'], { detached: true, stdio: 'ignore' }).unref()"], { stdio: 'ignore' }).on('exit', () => console.log('left')); setInterval(() => {}, 1e9); process.on('SIGTERM', () => process.exit(0))`;
  const made = await started([main(), idle(2, 'agent', { command: ['node', '-e', orphan] })], { sharePids: true });
  const processes = `console.log(require('fs').readdirSync('/proc').filter((n) => /^\\d+$/.test(n)).map((n) => { try { return require('fs').readFileSync('/proc/' + n + '/stat', 'utf8').replace(/^(\\d+) \\((.*)\\) (.).*$/s, '$1:$2:$3') } catch { return '' } }).join(' '))`;
  const list = async () =>
    (await execIn(testEngine, `${made.name}-main`, ['node', '-e', processes])).output.trim().split(' ');
  assert.ok(
    (await list()).some((line) => line.startsWith('1:pause:')),
    'process 1 is the program of the pause container',
  );
  await until(async () => (await engine.lastLogs(`${made.name}-agent`, 5)).includes('left'), {
    what: 'the orphan is left',
  });
  await until(async () => !(await list()).some((line) => line.endsWith(':Z')), { what: 'no zombie is left' });
  assert.equal((await list()).length, 4, 'pause, main, agent and who looks');
});

test('a port of the host leads to the replica', async () => {
  const made = await started([main()], { publish: [{ port: 8080, hostPort: null }] });
  const published = (await engine.inspect(made.pauseId)).published.find(({ containerPort }) => containerPort === 8080);
  assert.ok(published !== undefined && published.hostPort > 0);
});

test('what goes wrong can be seen: last lines of the main member, and where it listens', async () => {
  const say = `console.log('out ü'.repeat(600)); console.error('err'); require('net').createServer().listen(3000, '127.0.0.1'); require('net').createServer().listen(9000)`;
  const made = await started([main({ command: ['node', '-e', say] })]);
  await until(async () => (await engine.listeningPorts(made.pauseId))?.length === 2, { what: 'it listens' });
  assert.deepEqual(await engine.listeningPorts(made.pauseId), [
    { port: 3000, loopbackOnly: true },
    { port: 9000, loopbackOnly: false },
  ]);
  let lines: readonly string[] = [];
  const bothSaid = async () => {
    lines = await engine.lastLogs(made.pauseId, 10);
    return lines.length === 2;
  };
  await until(bothSaid, { what: 'the Engine has both lines' });
  assert.ok(lines.includes('err'));
  assert.deepEqual(await engine.lastLogs(made.pauseId, 1), lines.slice(-1));
  const long = lines.find((line) => line.startsWith('out ü')) ?? '';
  assert.ok(Buffer.byteLength(long) <= 2048 && Buffer.byteLength(long) > 2040);
  assert.doesNotMatch(long, /\ufffd/);
  await engine.stop(made.pauseId, 2);
  assert.equal(await engine.listeningPorts(made.pauseId), null);
});

test('a pause container takes no time to stop, and a replica of three containers is up soon', async (t) => {
  const tiny = { image: await engine.ensurePauseImage(), init: false };
  const up: number[] = [];
  const down: number[] = [];
  for (let n = 0; n < ROUNDS; n++) {
    const [made, upMs] = await timed(() => started([main(tiny), main({ ...tiny, index: 2, name: 'agent' })]));
    const [, downMs] = await timed(() => engine.stop(made.pauseId, 10));
    up.push(upMs);
    down.push(downMs);
    assert.equal((await engine.inspect(made.pauseId)).exitCode, 0, 'it ended by itself');
    await engine.remove(made.pauseId);
  }
  t.diagnostic(`${ROUNDS} replicas of three containers, create to running: ${quantiles(up)}; stop: ${quantiles(down)}`);
});

async function timed<T>(work: () => Promise<T>): Promise<[value: T, ms: number]> {
  const from = performance.now();
  const value = await work();
  return [value, performance.now() - from];
}

function quantiles(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number): string => `${(sorted[Math.floor((sorted.length - 1) * part)] ?? 0).toFixed(0)} ms`;
  return `p50 ${at(0.5)}, p99 ${at(0.99)}`;
}
