/** Time goes on while a set is looked at: what falls due in the middle of a look is not forgotten. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '#core/clock';
import { DEFAULT_POLICY, setKey } from '#core/set';
import { Pool } from '#router/pool';
import { Demand } from '#scaler/demand';
import { SetLeases } from '#scaler/set-leases';

test('a set that becomes idle for long enough right after it was looked at is looked at once more', () => {
  let now = 1000;
  const clock: Clock = { wall: () => now, now: () => now, after: () => ({ cancel: () => {} }) };
  const pool = new Pool({ key: setKey('default', 'shop', 'web'), policy: DEFAULT_POLICY, clock, random: () => 0 });
  const leases = new SetLeases({ clock, leases: { get: () => null, put: () => {} } }, pool.key);
  const demand = new Demand({ pool, clock, inFlight: () => 0, leases });
  const scale = { ...DEFAULT_POLICY.scale, min: 0, pauseMs: 250, stopMs: null };
  now = 1249.9;
  const lookedAt = now;
  assert.equal(demand.tier(scale, { min: 0, dependents: 0, isComingUp: false, isDeployed: false }), null);
  now = 1250.1;
  assert.equal(demand.nextChange(scale, lookedAt), 1250);
  assert.equal(demand.tier(scale, { min: 0, dependents: 0, isComingUp: false, isDeployed: false }), 'frozen');
});
