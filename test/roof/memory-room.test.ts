/** How much memory there is for what nobody waits for, when many ask and when it was too much. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '#test/support/fake-clock';
import { MemoryRoom } from '../../memory-room.ts';

test('it is read twice a second at most, however often it is asked for', async () => {
  const clock = new FakeClock();
  let reads = 0;
  const room = new MemoryRoom(clock, () => {
    reads++;
    return { availableBytes: 50, totalBytes: 100, someAvg10: 0 };
  });
  for (let turn = 0; turn < 100; turn++) {
    assert.equal(room.bytes, 34);
    await clock.advance(10);
  }
  assert.equal(reads, 2);
});

test('when too much was taken it has to be given back, and for a minute nobody takes more', async () => {
  const clock = new FakeClock();
  let availableBytes = 10;
  const room = new MemoryRoom(clock, () => ({ availableBytes, totalBytes: 100, someAvg10: 0 }));
  assert.equal(room.bytes, -6);
  availableBytes = 50;
  await clock.advance(1000);
  assert.equal(room.bytes, 0);
  await clock.advance(58_000);
  assert.equal(room.bytes, 0);
  await clock.advance(1000);
  assert.equal(room.bytes, 34);
});

test('what cannot be read is not known', () => {
  assert.equal(new MemoryRoom(new FakeClock(), () => null).bytes, null);
});
