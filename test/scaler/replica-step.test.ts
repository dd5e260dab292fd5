/** The next step of a replica, for every state and every wish. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type ReplicaWish, type StepFacts, stepTowards } from '#scaler/replica-step';

const RUNNING: StepFacts = {
  status: 'running',
  isFrozen: false,
  frozenDirect: false,
  isAdopted: true,
  isGone: false,
  isMaimed: false,
  hasStragglers: false,
  isSandbox: false,
  isAdrift: false,
};
const SEEN: Readonly<Record<string, StepFacts>> = {
  running: RUNNING,
  'frozen direct': { ...RUNNING, isFrozen: true, frozenDirect: true },
  paused: { ...RUNNING, status: 'paused', isFrozen: true },
  created: { ...RUNNING, status: 'created' },
  exited: { ...RUNNING, status: 'exited' },
  sandbox: { ...RUNNING, status: 'exited', isSandbox: true },
  dead: { ...RUNNING, status: 'dead' },
  restarting: { ...RUNNING, status: 'restarting' },
  stopping: { ...RUNNING, status: 'stopping' },
  'stopping while frozen': { ...RUNNING, status: 'stopping', isFrozen: true, frozenDirect: true },
  'not looked at': { ...RUNNING, isAdopted: false },
  gone: { ...RUNNING, status: 'exited', isGone: true },
  maimed: { ...RUNNING, isMaimed: true },
  'maimed and frozen': { ...RUNNING, isMaimed: true, isFrozen: true, frozenDirect: true },
  'down with stragglers': { ...RUNNING, status: 'exited', hasStragglers: true },
  adrift: { ...RUNNING, status: 'exited', hasStragglers: true, isAdrift: true },
};
const WISHES: readonly ReplicaWish[] = ['awake', 'frozen', 'sandbox', 'stopped', 'removed', 'leave'];

/** One row for every state, one column for every wish in the order above. */
const TABLE: Readonly<Record<string, readonly (string | null)[]>> = {
  running: [null, 'freeze', 'rest', 'stop', 'remove', null],
  'frozen direct': ['thaw', null, 'rest', 'stop', 'remove', null],
  paused: ['thaw', null, 'rest', 'stop', 'remove', null],
  created: ['start', null, null, null, 'remove', null],
  exited: ['start', null, null, null, 'remove', null],
  sandbox: ['start', null, null, 'stop', 'remove', null],
  dead: [null, null, null, null, 'remove', null],
  restarting: [null, null, 'rest', 'stop', 'remove', null],
  stopping: [null, null, null, null, null, null],
  'stopping while frozen': ['thaw', 'thaw', 'thaw', 'thaw', 'thaw', 'thaw'],
  'not looked at': ['adopt', 'adopt', 'adopt', 'adopt', 'adopt', 'adopt'],
  gone: [null, null, null, null, null, null],
  maimed: ['mend', 'freeze', 'rest', 'stop', 'remove', 'mend'],
  'maimed and frozen': ['thaw', null, 'rest', 'stop', 'remove', null],
  'down with stragglers': ['start', null, 'rest', 'stop', 'remove', null],
  adrift: ['stop', null, 'stop', 'stop', 'remove', null],
};

for (const [seen, facts] of Object.entries(SEEN)) {
  test(`the next step of a replica that is ${seen} follows the table`, () => {
    assert.deepEqual(
      WISHES.map((wish) => stepTowards(wish, facts)),
      TABLE[seen],
    );
  });
}
