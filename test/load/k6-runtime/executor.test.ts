/** When the iterations of a scenario begin. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrivalsUntil, runScenario, type ScenarioOptions } from '../../../load/k6-runtime/executor.ts';
import { Session } from '../../../load/k6-runtime/session.ts';

async function run(
  options: ScenarioOptions,
  iteration: (session: Session) => unknown,
  signal = new AbortController().signal,
): Promise<Session> {
  const session = new Session();
  await runScenario({ name: 'one', options, iteration: () => iteration(session), data: null, session, signal });
  return session;
}

function count(session: Session, name: string): number {
  return session.metric(name)?.aggregate('count') ?? Number.NaN;
}

test('an even rate brings as many iterations as rate and time make', () => {
  const plan = [10, [{ target: 10, duration: '4s' }]] as const;
  assert.equal(arrivalsUntil(0, 1000, plan), 0);
  assert.equal(arrivalsUntil(1500, 1000, plan), 15);
  assert.equal(arrivalsUntil(9999, 1000, plan), 40);
  assert.equal(arrivalsUntil(60_000, 60_000, [10, [{ target: 10, duration: '1m' }]]), 10);
});

test('a ramp is a straight line from rate to rate, and a stage without length a step', () => {
  const plan = [
    0,
    [
      { target: 10, duration: '2s' },
      { target: 20, duration: '0s' },
      { target: 20, duration: '1s' },
    ],
  ] as const;
  assert.equal(arrivalsUntil(1000, 1000, plan), 2.5);
  assert.equal(arrivalsUntil(2000, 1000, plan), 10);
  assert.equal(arrivalsUntil(3000, 1000, plan), 30);
});

test('every virtual user has its iterations, with a number and connections of its own', async () => {
  const seen: string[] = [];
  const session = await run({ executor: 'per-vu-iterations', vus: 2, iterations: 3 }, ({ turns }) => {
    const turn = turns.getStore();
    seen.push(`${turn?.scenario} ${turn?.user} ${turn?.iteration}`);
  });
  assert.deepEqual(seen.sort(), ['one 1 0', 'one 1 1', 'one 1 2', 'one 2 0', 'one 2 1', 'one 2 2']);
  assert.equal(count(session, 'iterations'), 6);
});

test('arrivals do not wait for each other, and those nobody is free for are dropped', async () => {
  const waiting: (() => void)[] = [];
  const session = await run(
    {
      executor: 'constant-arrival-rate',
      rate: 100,
      duration: '100ms',
      preAllocatedVUs: 2,
      maxVUs: 4,
      gracefulStop: '0s',
    },
    () => new Promise<void>((resolve) => waiting.push(resolve)),
  );
  for (const resolve of waiting) resolve();
  assert.equal(waiting.length, 4);
  assert.equal(count(session, 'dropped_iterations'), 6);
});

test('an iteration that throws is an error of its own, and the next one runs', async () => {
  let runs = 0;
  const session = await run({ executor: 'per-vu-iterations', vus: 1, iterations: 2 }, () => {
    runs++;
    if (runs === 1) throw new Error('thrown on purpose');
  });
  assert.equal(count(session, 'iteration_errors'), 1);
  assert.equal(count(session, 'iterations'), 1);
});

test('an aborted scenario ends at once', async () => {
  const controller = new AbortController();
  const running = run(
    { executor: 'constant-vus', vus: 1, duration: '10m' },
    () => new Promise(() => {}),
    controller.signal,
  );
  controller.abort(new Error('enough'));
  await assert.rejects(running);
});
