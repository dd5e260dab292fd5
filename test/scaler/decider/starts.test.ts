/** What is seen of starts from the numbers of replicas that are wanted and ready. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Starts } from '#scaler/decider/starts';

/** Starts one replica at a time, each of which takes so long. */
function after(...times: readonly number[]): { readonly starts: Starts; now: number } {
  const starts = new Starts();
  let now = 0;
  starts.look(now, { desired: 1, ready: 1 });
  times.forEach((ms, index) => {
    starts.look(now, { desired: index + 2, ready: index + 1 });
    now += ms;
    starts.look(now, { desired: index + 2, ready: index + 2 });
  });
  return { starts, now };
}

test('the time of a start is from the wish until as many are ready, the greatest but one in twenty', () => {
  assert.equal(new Starts().timeMs, null);
  assert.equal(after(700).starts.timeMs, 700);
  assert.equal(after(...Array<number>(19).fill(1000), 9000).starts.timeMs, 1000);
  assert.equal(after(...Array<number>(10).fill(1000), 9000).starts.timeMs, 9000);
  assert.equal(
    after(9000, 9000, ...Array<number>(20).fill(1000)).starts.timeMs,
    1000,
    'what was long ago is forgotten',
  );
});

test('several that are wished for at once count one by one, in the order of their wishes', () => {
  const starts = new Starts();
  starts.look(0, { desired: 3, ready: 1 });
  starts.look(400, { desired: 4, ready: 1 });
  starts.look(500, { desired: 4, ready: 2 });
  assert.equal(starts.timeMs, 500);
  starts.look(900, { desired: 4, ready: 3 });
  assert.equal(starts.timeMs, 900);
  starts.look(1250, { desired: 4, ready: 4 });
  assert.equal(starts.timeMs, 900, 'the last one took 850 ms');
});

test('what is thawed says nothing of a start, and neither does what nobody wishes for any longer', () => {
  const starts = new Starts();
  starts.look(0, { desired: 2, ready: 1 });
  starts.look(250, { desired: 2, ready: 2 });
  assert.equal(starts.timeMs, null);
  assert.equal(starts.slows(250), false, 'it takes no processor from anybody');
  starts.look(500, { desired: 4, ready: 2 });
  starts.look(1000, { desired: 2, ready: 2 });
  starts.look(3000, { desired: 2, ready: 3 });
  assert.equal(starts.timeMs, null);
});

test('starts slow a set while they are under way, and half a second longer', () => {
  const { starts, now } = after(700);
  assert.equal(starts.slows(now + 499), true);
  assert.equal(starts.slows(now + 500), false);
  starts.look(now + 2000, { desired: 3, ready: 2 });
  assert.equal(starts.slows(now + 2000), true);
  assert.equal(starts.slows(now + 6000), true);
});

test('starts that never end are no excuse for ever: it is believed that the set is slow', () => {
  const quick = after(700);
  quick.starts.look(quick.now, { desired: 9, ready: 2 });
  assert.equal(quick.starts.slows(quick.now + 5000), true);
  assert.equal(quick.starts.slows(quick.now + 5001), false);
  const slow = after(20_000);
  slow.starts.look(slow.now, { desired: 9, ready: 2 });
  assert.equal(slow.starts.slows(slow.now + 40_000), true);
  assert.equal(slow.starts.slows(slow.now + 40_001), false);
  const slowest = after(90_000);
  slowest.starts.look(slowest.now, { desired: 9, ready: 2 });
  assert.equal(slowest.starts.slows(slowest.now + 60_001), false);
});

test('a set that was not looked at for a while begins anew, and knows how long its starts took', () => {
  const { starts, now } = after(700);
  starts.look(now, { desired: 5, ready: 2 });
  starts.rest();
  assert.equal(starts.slows(now), false);
  starts.look(now + 60_000, { desired: 2, ready: 2 });
  assert.equal(starts.timeMs, 700);
});
