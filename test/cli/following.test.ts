/** What stands on the screen while an operation is waited for. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { AppGround } from './app-ground.ts';

test('a pull is told as it comes further, each news once, and not as sets that are done', async (t) => {
  const ground = await AppGround.start(t);
  const time = '2026-01-01T00:00:00.000Z';
  const whole = {
    id: 'opr_1',
    type: 'deployment',
    app: null,
    target: 'shop/web',
    state: 'running',
    phase: 'resolving',
  };
  const facts = { result: null, error: null, by: 'tok_1', created_at: time, updated_at: time };
  const queued = { name: 'queued', state: 'done', ms: 1 };
  const pulling = (done: number) => ({
    progress: { done: done * 1024 ** 2, total: 120 * 1024 ** 2, unit: 'bytes' },
    steps: [queued, { name: `pulling main ${done}/120 MiB`, state: 'running', ms: 5 }],
  });
  const looks = [
    pulling(34),
    pulling(34),
    pulling(90),
    { state: 'succeeded', phase: 'succeeded', progress: { done: 1, total: 1, unit: 'sets' }, steps: [queued] },
  ];
  const door: typeof fetch = async () => Response.json({ ...whole, ...facts, ...(looks.shift() ?? {}) });
  const ran = await ground.tide('ops wait opr_1', { fetch: door });
  assert.equal(ran.code, 0, ran.stderr);
  assert.deepEqual(ran.stderr.split('\n').slice(0, 4), [
    'queued: waits for its turn',
    'resolving: looks for its images',
    'pulling main 34/120 MiB',
    'pulling main 90/120 MiB',
  ]);
});
