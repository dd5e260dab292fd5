/** The trace of a wake: how deep the set slept, and parts that sum up to the whole whenever somebody came. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { WakeTrace } from '#scaler/wake-trace';
import { seeded } from '#test/router/sample';
import { FakeClock } from '#test/support/fake-clock';

const BEGUN = { isMaking: false, isServing: false } as const;

test('the tier is the lightest that a replica slept in', () => {
  const trace = new WakeTrace(new FakeClock());
  const tierOf = (...phases: ('stopped' | 'sandbox' | 'frozen')[]): string => {
    trace.begin({ replicas: phases.map((phase) => ({ phase })) });
    return trace.phases(0).tier;
  };
  assert.deepEqual(
    [tierOf(), tierOf('stopped'), tierOf('stopped', 'sandbox'), tierOf('stopped', 'frozen')],
    ['absent', 'stopped', 'sandbox', 'frozen'],
  );
});

test('whenever somebody came, his parts are none of them negative and sum up to his wait', async () => {
  const random = seeded(7);
  for (let round = 0; round < 50; round++) {
    const clock = new FakeClock();
    const trace = new WakeTrace(clock);
    const came = [clock.now()];
    trace.begin({ replicas: [{ phase: 'stopped' }] });
    const steps = [
      { ...BEGUN, replicas: [{ phase: 'starting' }] },
      { ...BEGUN, replicas: [{ phase: 'probing' }] },
      { ...BEGUN, replicas: [{ phase: 'ready' }], isServing: true },
    ] as const;
    for (const facts of steps.slice(0, 1 + Math.floor(random() * 3))) {
      await clock.advance(Math.floor(random() * 30));
      came.push(clock.now());
      trace.follow(facts);
    }
    await clock.advance(Math.floor(random() * 30));
    for (const since of came) {
      const { decideMs, engineMs, probeMs, queueMs } = trace.phases(since);
      const parts = [decideMs, engineMs, probeMs, queueMs];
      assert.ok(
        parts.every((part) => part >= 0),
        parts.join(),
      );
      assert.equal(
        parts.reduce((sum, part) => sum + part),
        clock.now() - since,
      );
    }
  }
});
