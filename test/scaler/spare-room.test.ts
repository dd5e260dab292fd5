/** How many spares memory has room for, by what replicas use and what is left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReplicaSnapshot } from '#core/set';
import { type HousedReplica, spareRoom } from '#scaler/spare-room';

const MIB = 2 ** 20;
const ONE_AWAKE = { awake: 1, claimed: 0 };

function replica(state: 'ready' | 'frozen' | 'starting', isMade = true): HousedReplica {
  return {
    isMade,
    isReady: state === 'ready',
    isFrozen: state === 'frozen',
    snapshot: { id: state } as ReplicaSnapshot,
  };
}

/** Of replicas of which each uses 100 MiB, one of which is to be awake. */
function roomOf(bytes: number | null, replicas: readonly HousedReplica[], claimed = 0): number | null {
  const used = {
    at: 0,
    cpuPercent: 1,
    memoryPercent: 10,
    memoryBytes: 100 * MIB,
    pids: 1,
    receivedBytes: 0,
    sentBytes: 0,
  };
  return spareRoom(replicas, { usage: () => used, memoryRoom: () => bytes }, { awake: 1, claimed });
}

test('there is room for the spares that there are and for what is left; where it is too little some give way', () => {
  const replicas = [replica('ready'), replica('frozen'), replica('frozen')];
  assert.equal(roomOf(250 * MIB, replicas), 4);
  assert.equal(roomOf(0, replicas), 2);
  assert.equal(roomOf(-MIB, replicas), 1);
  assert.equal(roomOf(-900 * MIB, replicas), -7);
});

test('what is on its way does not use yet what it will, and is no reason for more', () => {
  assert.equal(roomOf(250 * MIB, [replica('ready')]), 2);
  assert.equal(roomOf(250 * MIB, [replica('ready'), replica('starting'), replica('starting')]), 2);
  assert.equal(roomOf(50 * MIB, [replica('ready'), replica('starting'), replica('starting')]), 2, 'nor for fewer');
  assert.equal(roomOf(50 * MIB, [replica('ready'), replica('frozen'), replica('frozen')]), 2);
  assert.equal(roomOf(250 * MIB, [replica('ready'), replica('frozen'), replica('starting')]), 3);
});

test('what spares of others are about to take is no room, and nothing that would have to be given back', () => {
  const replicas = [replica('ready'), replica('frozen')];
  assert.equal(roomOf(350 * MIB, replicas, 100 * MIB), 3);
  assert.equal(roomOf(350 * MIB, replicas, 900 * MIB), 1);
  assert.equal(roomOf(-MIB, replicas, 900 * MIB), 0);
});

test('while what a replica uses is not known nothing speaks against more, but that memory is short', () => {
  const ports = (bytes: number | null) => ({ usage: () => null, memoryRoom: () => bytes });
  const replicas = [replica('ready'), replica('frozen')];
  assert.equal(spareRoom(replicas, ports(MIB), ONE_AWAKE), null);
  assert.equal(spareRoom(replicas, ports(0), ONE_AWAKE), 1);
  assert.equal(spareRoom(replicas, ports(-MIB), ONE_AWAKE), 0);
  assert.equal(spareRoom(replicas, ports(null), ONE_AWAKE), null);
  assert.equal(spareRoom(replicas, {}, ONE_AWAKE), null);
});
