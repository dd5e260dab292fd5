/** Clients bring checks forward within a budget of the domain. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HurryBudget } from '#certs/hurry-budget';

test('ten at once for all names of a domain, then one every six seconds; another domain has its own', () => {
  const budget = new HurryBudget();
  const taken = (now: number): number => {
    let count = 0;
    while (budget.take(`n${count}.shop.example.co.uk`, now)) count++;
    return count;
  };
  assert.equal(taken(1000), 10);
  assert.equal(budget.take('a.example.co.uk', 6999), false);
  assert.equal(budget.take('a.example.co.uk', 7000), true);
  assert.equal(budget.take('a.other.co.uk', 7000), true);
  assert.equal(taken(1000 + 3_600_000), 10);
});
