/** The retry budget: a fifth of the traffic, a small allowance, and no memory of long ago. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryBudget } from '#gateway/request-path/retry-budget';

function takeAll(budget: RetryBudget, now: number): number {
  let taken = 0;
  while (budget.take(now)) taken++;
  return taken;
}

test('without traffic there is the allowance and no more', () => {
  assert.equal(takeAll(new RetryBudget(), 0), 10);
});

test('a hundred requests earn twenty retries', () => {
  const budget = new RetryBudget();
  // One more than a hundred, for what rounding takes.
  for (let i = 0; i < 101; i++) budget.deposit();
  assert.equal(takeAll(budget, 0), 30);
});

test('what was saved fades, what was overspent comes back', () => {
  const budget = new RetryBudget();
  for (let i = 0; i < 10_000; i++) budget.deposit();
  assert.ok(budget.take(100_000), 'long after the traffic');
  assert.ok(takeAll(budget, 100_000) < 13);
  assert.equal(takeAll(budget, 110_000), 5, 'half of the allowance is back after the half-life');
});
