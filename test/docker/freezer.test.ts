/** The cgroup freezer of both versions, on a tree of files. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Freezer } from '#docker/freezer';
import { FakeClock } from '#test/support/fake-clock';

const ID = '4f1c'.repeat(16);
const OTHER_ID = '9b2e'.repeat(16);
const PID = 4711;
const TARGET = { containerId: ID, pid: PID, hasHealthcheck: false };

let root = '';
let clock: FakeClock;
let freezer: Freezer;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'tidegate-freezer-'));
  clock = new FakeClock();
  freezer = new Freezer({ clock, procRoot: path.join(root, 'proc'), cgroupRoot: path.join(root, 'cgroup') });
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(file: string, text: string): void {
  const full = path.join(root, file);
  mkdirSync(path.dirname(full), { recursive: true });
  writeFileSync(full, text);
}

function read(file: string): string {
  return readFileSync(path.join(root, file), 'utf8').trim();
}

/** A container under cgroup v1, as cgroupfs lays it out. Returns the file of its freezer. */
function containerV1(cgroup = `/docker/${ID}`, within = ''): string {
  write(`proc/${PID}/cgroup`, `11:memory:${cgroup}${within}\n7:freezer:${cgroup}${within}\n0::${cgroup}${within}\n`);
  const state = `cgroup/freezer${cgroup}/freezer.state`;
  write(state, 'THAWED\n');
  return state;
}

/** A container under cgroup v2, as systemd lays it out. Returns the folder of its cgroup. */
function containerV2(within = ''): string {
  const cgroup = `/system.slice/docker-${ID}.scope`;
  write(`proc/${PID}/cgroup`, `0::${cgroup}${within}\n`);
  write(`cgroup${cgroup}/cgroup.freeze`, '0\n');
  write(`cgroup${cgroup}/cgroup.events`, 'populated 1\nfrozen 0\n');
  return `cgroup${cgroup}`;
}

test('v1: freezes and thaws through freezer.state', async () => {
  const state = containerV1();
  assert.equal(freezer.isFrozen(TARGET), false);
  assert.equal(await freezer.freeze(TARGET), true);
  assert.equal(read(state), 'FROZEN');
  assert.equal(freezer.isFrozen(TARGET), true);
  assert.equal(freezer.thaw(TARGET), true);
  assert.equal(read(state), 'THAWED');
  assert.equal(freezer.isFrozen(TARGET), false);
});

test('v1: a daemon with a cgroup parent of its own, and several controllers on one line', async () => {
  const state = containerV1(`/farm/${ID}`);
  write(`proc/${PID}/cgroup`, `4:devices,freezer:/farm/${ID}\n`);
  assert.equal(await freezer.freeze(TARGET), true);
  assert.equal(read(state), 'FROZEN');
});

test('the group of the container is frozen, not one that it made within', async () => {
  const state = containerV1(`/docker/${ID}`, '/init.scope');
  assert.equal(await freezer.freeze(TARGET), true);
  assert.equal(read(state), 'FROZEN');
});

test('v2: freezes through cgroup.freeze and waits until cgroup.events says so', async () => {
  const folder = containerV2('/init.scope');
  const freezing = freezer.freeze(TARGET);
  await clock.advance(20);
  assert.equal(read(`${folder}/cgroup.freeze`), '1');
  assert.equal(freezer.isFrozen(TARGET), false);
  write(`${folder}/cgroup.events`, 'populated 1\nfrozen 1\n');
  await clock.advance(20);
  assert.equal(await freezing, true);
  assert.equal(freezer.isFrozen(TARGET), true);
  assert.equal(freezer.thaw(TARGET), true);
  assert.equal(read(`${folder}/cgroup.freeze`), '0');
});

test('a freeze that does not come about is taken back', async () => {
  const folder = containerV2();
  const freezing = freezer.freeze(TARGET);
  await clock.advance(1000);
  assert.equal(await freezing, false);
  assert.equal(read(`${folder}/cgroup.freeze`), '0');
});

test('a thaw during a freeze wins', async () => {
  const folder = containerV2();
  const freezing = freezer.freeze(TARGET);
  await clock.advance(5);
  assert.equal(freezer.thaw(TARGET), true);
  await clock.advance(5);
  assert.equal(await freezing, false);
  assert.equal(read(`${folder}/cgroup.freeze`), '0');
});

test('a container that dies while it freezes is not frozen', async () => {
  const folder = containerV2();
  const freezing = freezer.freeze(TARGET);
  await clock.advance(5);
  rmSync(path.join(root, folder), { recursive: true });
  await clock.advance(5);
  assert.equal(await freezing, false);
});

for (const [what, break_] of [
  ['a process that is gone', () => rmSync(path.join(root, `proc/${PID}`), { recursive: true })],
  [
    'a process id that means another container here',
    () => write(`proc/${PID}/cgroup`, `7:freezer:/docker/${OTHER_ID}\n`),
  ],
  ['a process id that means a process of the host', () => write(`proc/${PID}/cgroup`, '7:freezer:/\n0::/\n')],
  ['a path that is only right in another namespace', () => write(`proc/${PID}/cgroup`, `7:freezer:/../${ID}\n`)],
  ['a freezer that is not mounted', () => rmSync(path.join(root, 'cgroup'), { recursive: true })],
  ['a group without a freezer', () => rmSync(path.join(root, `cgroup/freezer/docker/${ID}/freezer.state`))],
  ['a text that is no cgroup list', () => write(`proc/${PID}/cgroup`, `${ID}\n`)],
] as const) {
  test(`${what}: nothing is written, the answer is no`, async () => {
    const state = containerV1();
    break_();
    assert.equal(await freezer.freeze(TARGET), false);
    assert.equal(freezer.thaw(TARGET), false);
    assert.equal(freezer.isFrozen(TARGET), false);
    if (existsSync(path.join(root, state))) assert.equal(read(state), 'THAWED');
    else assert.match(what, /not mounted|without a freezer/);
  });
}

test('a target that does not run, or is named by less than its full id, is refused', async () => {
  containerV1();
  assert.equal(await freezer.freeze({ ...TARGET, pid: 0 }), false);
  assert.equal(await freezer.freeze({ ...TARGET, containerId: ID.slice(0, 12) }), false);
  assert.equal(await freezer.freeze({ ...TARGET, containerId: '' }), false);
});
