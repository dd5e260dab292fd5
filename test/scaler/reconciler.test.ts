/** Looking again, as often as needed and no more. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Reconciler } from '#scaler/reconciler';
import { FakeClock } from '#test/support/fake-clock';

const NEVER = Number.POSITIVE_INFINITY;

function reconciler(run: (self: Reconciler) => number): { clock: FakeClock; self: Reconciler; trouble: string[] } {
  const clock = new FakeClock();
  const trouble: string[] = [];
  const self: Reconciler = new Reconciler({
    clock,
    run: () => run(self),
    onTrouble: (message) => void trouble.push(message),
  });
  return { clock, self, trouble };
}

test('whoever asks for a look during one gets one more afterwards, however many ask', () => {
  let depth = 0;
  let rounds = 0;
  const { self } = reconciler((inner) => {
    depth++;
    assert.equal(depth, 1);
    if (rounds++ === 0) for (let i = 0; i < 5; i++) inner.look();
    depth--;
    return NEVER;
  });
  self.look();
  assert.equal(rounds, 2);
});

test('it looks again when time alone changes what should be', async () => {
  const at: number[] = [];
  const { self, clock } = reconciler(() => {
    at.push(clock.now());
    return at.length < 3 ? clock.now() + 100 : NEVER;
  });
  self.look();
  await clock.advance(1000);
  assert.deepEqual(at, [0, 100, 200]);
});

test('what never comes to rest does not hold up the others', async () => {
  let rounds = 0;
  const { self, clock, trouble } = reconciler((inner) => {
    rounds++;
    inner.look();
    return NEVER;
  });
  self.look();
  assert.equal(rounds, 20);
  assert.deepEqual(trouble, ['a set does not come to rest']);
  await clock.advance(10);
  assert.equal(rounds, 40);
  self.close();
});

test('a round that fails is looked at again later', async () => {
  let rounds = 0;
  const { self, clock, trouble } = reconciler(() => {
    if (rounds++ === 0) throw new Error('no');
    return NEVER;
  });
  self.look();
  assert.deepEqual(trouble, ['a set could not be looked at']);
  await clock.advance(1000);
  assert.equal(rounds, 2);
  self.look();
  assert.equal(rounds, 3);
});

test('a change that asks for looks is made whole before anybody looks', () => {
  let changed = false;
  const seen: boolean[] = [];
  const { self } = reconciler(() => {
    seen.push(changed);
    return NEVER;
  });
  self.after(() => {
    self.look();
    changed = true;
  });
  assert.deepEqual(seen, [true]);
});

test('a moment further away than a timer can hold is no moment of now', async () => {
  let rounds = 0;
  const { self, clock } = reconciler(() => {
    rounds++;
    return clock.now() + 10 ** 12;
  });
  self.look();
  await clock.advance(1000);
  assert.equal(rounds, 1);
});

test('nobody looks after the end', async () => {
  let rounds = 0;
  const { self, clock } = reconciler(() => {
    rounds++;
    return clock.now() + 10;
  });
  self.look();
  self.close();
  self.look();
  await clock.advance(1000);
  assert.equal(rounds, 1);
  assert.equal(clock.pendingCount, 0);
});
