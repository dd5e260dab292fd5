/** Tests of chance against values worked out by hand and elsewhere. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { binomialTail, fisherTail, wilsonLowerBound } from '#apps/statistics';

function near(actual: number, expected: number, within = 1e-9): void {
  assert.ok(Math.abs(actual - expected) <= within * Math.max(1e-12, expected), `${actual} is not ${expected}`);
}

test("Fisher's test agrees with the lady who tastes tea, and with counting", () => {
  near(fisherTail({ errors: 4, requests: 4 }, { errors: 0, requests: 4 }), 1 / 70);
  near(fisherTail({ errors: 3, requests: 4 }, { errors: 1, requests: 4 }), 17 / 70);
  near(fisherTail({ errors: 0, requests: 9 }, { errors: 3, requests: 7 }), 1);
  near(fisherTail({ errors: 20, requests: 20 }, { errors: 0, requests: 20 }), 1 / 137_846_528_820);
  near(fisherTail({ errors: 1, requests: 3 }, { errors: 0, requests: 1000 }), 3 / 1003);
});

test('the tail of the binomial adds up', () => {
  near(binomialTail(0, 10, 0.3), 1);
  near(binomialTail(10, 10, 0.3), 0.3 ** 10);
  near(binomialTail(1, 2, 0.5), 0.75);
  near(binomialTail(2, 100, 0.01), 1 - 0.99 ** 100 - 100 * 0.01 * 0.99 ** 99);
});

test('large numbers take no time and lose no precision that matters', () => {
  const evenly = fisherTail({ errors: 100_000, requests: 1_000_000 }, { errors: 900_000, requests: 9_000_000 });
  assert.ok(evenly > 0.5 && evenly < 0.502, String(evenly));
  assert.ok(binomialTail(11_000, 1_000_000, 0.01) < 1e-20);
});

test("Wilson's lower bound", () => {
  assert.equal(wilsonLowerBound(0, 0, 3), 0);
  near(wilsonLowerBound(20, 20, 3), 20 / 29);
  near(wilsonLowerBound(50, 100, 1.96), 0.4038, 1e-4);
});
