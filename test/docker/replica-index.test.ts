/** What is known of replicas from labels alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byIndex, ReplicaIndex } from '#docker/replica-index';

const pause = (replica: string, members: number) => ({
  'tidegate.replica': replica,
  'tidegate.role': 'pause',
  'tidegate.members': String(members),
});
const member = (replica: string, name: string) => ({
  'tidegate.replica': replica,
  'tidegate.role': 'member',
  'tidegate.member': name,
});

test('a replica is whole when as many members are known as it was made of, in whatever order they were seen', () => {
  const index = new ReplicaIndex();
  index.saw('m2', member('rep_1', '2.agent'));
  assert.equal(index.ofPause('p1'), null);
  index.saw('p1', pause('rep_1', 2));
  assert.deepEqual(index.ofPause('p1'), {
    replica: 'rep_1',
    members: [{ id: 'm2', index: 2, name: 'agent' }],
    isWhole: false,
  });
  index.saw('m1', member('rep_1', '1.main'));
  index.saw('x', member('rep_2', '1.main'));
  assert.deepEqual(
    index.ofPause('p1')?.members.map(({ id }) => id),
    ['m1', 'm2'],
  );
  assert.equal(index.ofPause('p1')?.isWhole, true);
  index.forget('m2');
  assert.equal(index.ofPause('p1')?.isWhole, false);
  index.forget('p1');
  assert.equal(index.ofPause('p1'), null);
});

test('a complete list replaces what was known', () => {
  const index = new ReplicaIndex();
  index.saw('p1', pause('rep_1', 1));
  index.saw('m1', member('rep_1', '1.main'));
  index.sawAll([
    { id: 'p1', labels: pause('rep_1', 1) },
    { id: 'm9', labels: member('rep_1', '1.main') },
  ]);
  assert.deepEqual(
    index.ofPause('p1')?.members.map(({ id }) => id),
    ['m9'],
  );
});

test('labels that only look like those of a replica make none', () => {
  const index = new ReplicaIndex();
  index.saw('a', { 'tidegate.role': 'pause' });
  index.saw('b', { 'tidegate.replica': 'rep_1', 'tidegate.role': 'boss' });
  index.saw('c', { 'tidegate.replica': 'rep_1', 'tidegate.role': 'member', 'tidegate.member': 'main' });
  index.saw('p', pause('rep_1', 0));
  assert.equal(index.ofPause('a'), null);
  assert.deepEqual(index.ofPause('p')?.members, []);
});

test('members start in groups of one index', () => {
  const members = [
    { id: 'c', index: 10, name: 'c' },
    { id: 'a', index: 2, name: 'a' },
    { id: 'b', index: 2, name: 'b' },
  ];
  assert.deepEqual(
    byIndex(members).map((group) => group.map(({ id }) => id)),
    [['a', 'b'], ['c']],
  );
});
