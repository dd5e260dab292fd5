/** What is known of a replica, whatever order its pictures come in. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { silentLog } from '#core/log';
import type { ReplicaSnapshot } from '#core/set';
import type { SleepNote } from '#scaler/ports';
import { ReplicaState } from '#scaler/replica-state';
import { replica } from '#test/router/sample';
import { FakeClock } from '#test/support/fake-clock';

const FIRST = { startedAt: 'first' };
const SECOND = { startedAt: 'second' };

function stateOf(facts: Partial<ReplicaSnapshot>, notes = new Map<string, SleepNote>()): ReplicaState {
  return new ReplicaState({
    clock: new FakeClock(),
    log: silentLog,
    notes: {
      get: (id) => notes.get(id) ?? null,
      put: (id, note) => void (note === null ? notes.delete(id) : notes.set(id, note)),
    },
    snapshot: replica('a', facts),
  });
}

test('the end of a run is told once, and whether it was asked for', () => {
  const crashed = stateOf(FIRST);
  assert.deepEqual(crashed.observe(replica('a', { ...FIRST, status: 'exited' })), {
    anew: false,
    ended: 'itself',
    woke: false,
  });
  assert.deepEqual(crashed.observe(replica('a', { ...FIRST, status: 'exited' })), {
    anew: false,
    ended: null,
    woke: false,
  });
  const stopped = stateOf(FIRST);
  stopped.observe(replica('a', { ...FIRST, status: 'stopping' }));
  assert.deepEqual(stopped.observe(replica('a', { ...FIRST, status: 'exited' })), {
    anew: false,
    ended: 'asked',
    woke: false,
  });
});

test('a run that began and ended unseen has ended', () => {
  const state = stateOf({ ...FIRST, status: 'exited' });
  assert.deepEqual(state.observe(replica('a', { ...SECOND, status: 'exited' })), {
    anew: true,
    ended: 'itself',
    woke: false,
  });
});

test('a picture of a run that is over is put off', () => {
  const state = stateOf(FIRST);
  state.stopped('first');
  assert.equal(state.observe(replica('a', FIRST)), null);
  assert.equal(state.status, 'exited');
  state.observe(replica('a', SECOND));
  assert.equal(state.observe(replica('a', { ...FIRST, status: 'exited' })), null);
  assert.equal(state.observe(replica('a', { startedAt: null, status: 'created' })), null);
  assert.equal(state.status, 'running');
});

test('a picture of a run that began earlier is put off, although that run was never seen', () => {
  const state = stateOf({ startedAt: '2026-01-02T00:00:00.5Z' });
  assert.equal(state.observe(replica('a', { startedAt: '2026-01-02T00:00:00.123456789Z', status: 'exited' })), null);
  assert.equal(state.status, 'running');
  assert.notEqual(state.observe(replica('a', { startedAt: '2026-01-02T00:00:01Z' })), null);
});

test('a picture that was put off is believed when no newer one came', () => {
  const state = stateOf(FIRST);
  state.stopped('first');
  state.observe(replica('a', FIRST));
  assert.deepEqual(state.believe(), { anew: false, ended: null, woke: true });
  assert.equal(state.status, 'running');
  assert.equal(state.believe(), null);
});

test('a picture that was put off is forgotten when a newer one came', () => {
  const state = stateOf(FIRST);
  state.stopped('first');
  state.observe(replica('a', FIRST));
  state.observe(replica('a', SECOND));
  assert.equal(state.believe(), null);
  assert.equal(state.snapshot.startedAt, 'second');
});

test('a freeze behind the back of the Engine ends with the run', () => {
  const state = stateOf(FIRST);
  state.froze(true);
  assert.equal(state.isFrozen, true);
  state.observe(replica('a', SECOND));
  assert.equal(state.isFrozen, false);
});

test('a run that nobody looked at is not adopted, unless it cannot have been frozen behind the back of the Engine', () => {
  const state = stateOf(FIRST);
  assert.equal(state.isAdopted, false);
  state.adopt();
  assert.equal(state.isAdopted, true);
  state.observe(replica('a', SECOND));
  assert.equal(state.isAdopted, false);
  assert.equal(stateOf({ hasHealthcheck: true }).isAdopted, true);
  assert.equal(stateOf({ status: 'exited' }).isAdopted, true);
});

test('it is written down who put a replica to sleep, and erased when it is up again', () => {
  const notes = new Map<string, SleepNote>();
  const state = stateOf(FIRST, notes);
  state.froze(true);
  state.save();
  assert.deepEqual(notes.get('local/a'), { tier: 'frozen', direct: true });
  state.willSleep();
  state.stopped('first');
  state.save();
  assert.deepEqual(notes.get('local/a'), { tier: 'stopped', direct: false });
  assert.equal(state.sleptByUs, true);
  state.observe(replica('a', SECOND));
  state.save();
  assert.equal(notes.size, 0);
  assert.equal(state.sleptByUs, false);
});

test('a note from before a restart counts, unless somebody stopped what was frozen', () => {
  const stopped = new Map<string, SleepNote>([['local/a', { tier: 'stopped', direct: false }]]);
  assert.equal(stateOf({ ...FIRST, status: 'exited' }, stopped).sleptByUs, true);
  const frozen = new Map<string, SleepNote>([['local/a', { tier: 'frozen', direct: true }]]);
  assert.equal(stateOf({ ...FIRST, status: 'running' }, frozen).sleptByUs, true);
  assert.equal(stateOf({ ...FIRST, status: 'exited' }, frozen).sleptByUs, false);
});

test('notes that cannot be kept do no harm', () => {
  const broken = (): never => {
    throw new Error('the disk is full');
  };
  const warned: string[] = [];
  const state = new ReplicaState({
    clock: new FakeClock(),
    log: { ...silentLog, warn: (message) => void warned.push(message) },
    notes: { get: broken, put: broken },
    snapshot: replica('a', FIRST),
  });
  state.froze(true);
  state.save();
  assert.equal(state.sleptByUs, true);
  assert.equal(warned.length, 2);
});
