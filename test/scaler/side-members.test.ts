/** What becomes of the side members of a replica, as its pictures tell. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { MemberSnapshot, ReplicaSnapshot } from '#core/set';
import { type MemberLoss, SideMembers } from '#scaler/side-members';
import { FakeClock } from '#test/support/fake-clock';
import { pictureOf } from './support/fake-world.ts';
import { Rig } from './support/rig.ts';

type Side = Pick<MemberSnapshot, 'status' | 'startedAt'> & Partial<MemberSnapshot>;

function picture(...sides: readonly Side[]): ReplicaSnapshot {
  const rig = new Rig();
  rig.set('web');
  const replica = pictureOf(rig.add('web', 'running', { sides: [] }));
  const base = { name: 'agent', image: 'agent', exitCode: null, oomKilled: false, pid: 0 };
  const members = sides.map((side, i) => ({ ...base, index: i + 2, containerId: `s${i}`, ...side }));
  return { ...replica, members: [...(replica.members ?? []), ...members] };
}

function told(losses: readonly MemberLoss[]): unknown {
  return losses.map(({ member, asked, upMs }) => [member.containerId, asked, upMs]);
}

test('one that ends by itself is told once, with the time it was up', async () => {
  const clock = new FakeClock();
  const sides = new SideMembers(clock);
  assert.deepEqual(sides.observe(picture({ status: 'running', startedAt: '1' })), []);
  await clock.advance(500);
  const ended = picture({ status: 'exited', startedAt: '1' });
  assert.deepEqual(told(sides.observe(ended)), [['s0', false, 500]]);
  assert.deepEqual(sides.observe(ended), []);
});

test('one that was asked to stop is told as such', () => {
  const sides = new SideMembers(new FakeClock());
  sides.observe(picture({ status: 'running', startedAt: '1' }));
  assert.deepEqual(sides.observe(picture({ status: 'stopping', startedAt: '1' })), []);
  assert.deepEqual(told(sides.observe(picture({ status: 'exited', startedAt: '1' }))), [['s0', true, 0]]);
});

test('a run that began and ended unseen is told', () => {
  const sides = new SideMembers(new FakeClock());
  sides.observe(picture({ status: 'exited', startedAt: '1' }));
  assert.deepEqual(told(sides.observe(picture({ status: 'exited', startedAt: '2' }))), [['s0', false, 0]]);
});

test('one that comes in the place of another is somebody else at work', () => {
  const sides = new SideMembers(new FakeClock());
  sides.observe(picture({ status: 'running', startedAt: '1' }));
  const next = picture({ status: 'created', startedAt: null, containerId: 'next' });
  assert.deepEqual(told(sides.observe(next)), [['next', true, 0]]);
  assert.deepEqual(sides.observe(picture({ status: 'running', startedAt: '2', containerId: 'next' })), []);
});

test('a container that a person made has none', () => {
  const sides = new SideMembers(new FakeClock());
  const rig = new Rig();
  rig.set('web');
  assert.deepEqual(sides.observe(pictureOf(rig.add('web', 'running'))), []);
});
