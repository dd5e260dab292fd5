/**
 * Many random lives of a few sets, each the same whenever it has the same seed. A failure names its seed and tells the
 * life; `TIDEGATE_TEST_SEED=<seed> TIDEGATE_TEST_LIVES=1` lives it again.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Chaos } from '#test/scaler/support/chaos';

const FIRST_SEED = Number(process.env.TIDEGATE_TEST_SEED ?? 1);
const LIVES = Number(process.env.TIDEGATE_TEST_LIVES ?? 0);

async function live(options: {
  readonly lives: number;
  readonly steps: number;
  readonly calm: boolean;
}): Promise<void> {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', onUnhandled);
  try {
    for (let i = 0; i < (LIVES || options.lives); i++) await new Chaos({ ...options, seed: FIRST_SEED + i }).run();
  } finally {
    process.off('unhandledRejection', onUnhandled);
  }
  assert.deepEqual(unhandled, []);
}

test('when nothing goes wrong every request is served, by a replica that answers, and none is put to sleep with it', () =>
  live({ lives: 25, steps: 60, calm: true }));

test('whatever people, the Engine and discovery do, every request gets one outcome in time and the world comes to rest', () =>
  live({ lives: 60, steps: 70, calm: false }));
