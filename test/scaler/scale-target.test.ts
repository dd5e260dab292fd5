/** How many replicas a set may and should have. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { DEFAULT_POLICY, type ScalePolicy, type SetClass } from '#core/set';
import { NO_OVERRIDE, type ScaleOverride, scaleTarget } from '#scaler/scale-target';

interface Case {
  readonly what: string;
  readonly labels: Partial<ScalePolicy>;
  readonly asked?: Partial<ScaleOverride>;
  readonly made?: number;
  readonly desired?: number;
  readonly scheduled?: number;
  readonly class?: SetClass;
  readonly expected: readonly [min: number, max: number, awake: number];
}

const CASES: readonly Case[] = [
  { what: 'the labels alone', labels: { min: 0, max: 3 }, expected: [0, 3, 1] },
  { what: 'as many as the operator made', labels: { min: 0, max: 3 }, made: 2, expected: [0, 3, 2] },
  { what: 'no more than max, as it says', labels: { min: 1, max: 1 }, made: 3, expected: [1, 1, 1] },
  { what: 'no fewer than min', labels: { min: 2, max: 4 }, expected: [2, 4, 2] },
  { what: 'a max below min', labels: { min: 3, max: 1 }, expected: [3, 3, 3] },
  { what: 'a fixed number', labels: { min: 1, max: 1 }, asked: { replicas: 3 }, expected: [3, 3, 3] },
  { what: 'a fixed number below min', labels: { min: 2, max: 4 }, asked: { replicas: 1 }, expected: [1, 4, 1] },
  {
    what: 'a fixed number of a set that may sleep',
    labels: { min: 0, max: 2 },
    asked: { replicas: 4 },
    expected: [0, 4, 4],
  },
  { what: 'a schedule', labels: { min: 0, max: 4 }, scheduled: 3, expected: [3, 4, 3] },
  { what: 'a schedule below min', labels: { min: 2, max: 4 }, scheduled: 1, expected: [2, 4, 2] },
  {
    what: 'a min asked for below the schedule',
    labels: { min: 0, max: 4 },
    scheduled: 3,
    asked: { min: 1 },
    expected: [1, 4, 1],
  },
  { what: 'zero', labels: { min: 2, max: 4 }, asked: { replicas: 0 }, expected: [0, 4, 1] },
  { what: 'a min asked for', labels: { min: 0, max: 1 }, asked: { min: 2 }, expected: [2, 2, 2] },
  {
    what: 'a max asked for below the min of the labels',
    labels: { min: 3, max: 5 },
    asked: { max: 1 },
    made: 3,
    expected: [1, 1, 1],
  },
  { what: 'a min of zero asked for', labels: { min: 1, max: 1 }, asked: { min: 0 }, expected: [0, 1, 1] },
  { what: 'data', labels: { min: 0, max: 9 }, class: 'data', made: 2, expected: [1, 1, 1] },
  { what: 'its load', labels: { min: 0, max: 9 }, made: 1, desired: 4, expected: [0, 9, 4] },
  { what: 'its load, within what a person asked for', labels: {}, asked: { max: 3 }, desired: 4, expected: [1, 3, 3] },
  {
    what: 'a number asked for, whatever its load',
    labels: { max: 9 },
    asked: { replicas: 2 },
    desired: 4,
    expected: [2, 9, 2],
  },
  { what: 'data, whatever is asked', labels: { min: 1 }, class: 'data', asked: { replicas: 0 }, expected: [1, 1, 1] },
];

for (const one of CASES) {
  test(`the target of a set follows ${one.what}`, () => {
    const target = scaleTarget({
      class: one.class ?? 'app',
      policy: { ...DEFAULT_POLICY.scale, ...one.labels },
      override: { ...NO_OVERRIDE, ...one.asked },
      made: one.made ?? 1,
      desired: one.desired ?? null,
      scheduled: one.scheduled ?? 0,
    });
    assert.deepEqual([target.min, target.max, target.awake], one.expected);
  });
}
