/** A replica that is about to run out of memory is told of once, until it has come down. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventDraft } from '#core/event';
import { replica, snapshot } from '#test/router/sample';
import { MemoryAlerts } from '../../memory-alerts.ts';

const MIB = 1_048_576;

test('high memory is said once with what to do, and again only after it came down or the replica began anew', () => {
  const said: EventDraft[] = [];
  let percent: number | null = 89.9;
  let startedAt = 'first';
  const alerts = new MemoryAlerts({
    emit: (draft) => said.push(draft),
    sets: () => [snapshot('acme/shop/web', [], { replicas: [{ ...replica('one', { pid: 1 }), startedAt }] })],
    usage: () => ({
      ...{ at: 0, cpuPercent: 1, memoryPercent: percent, memoryBytes: ((percent ?? 0) / 100) * 64 * MIB },
      ...{ pids: 1, receivedBytes: 0, sentBytes: 0 },
    }),
  });
  const look = (next: number | null): number => {
    percent = next;
    alerts.look();
    return said.length;
  };
  assert.deepEqual([look(null), look(89.9), look(90), look(99), look(85), look(95)], [0, 0, 1, 1, 1, 1]);
  assert.deepEqual([look(79), look(89), look(91)], [1, 1, 2], 'it came down');
  startedAt = 'second';
  assert.equal(look(91), 3);
  const { type, tenant, app, set, cause, data } = said[0] ?? {};
  assert.deepEqual([type, tenant, app, set], ['replica.memory_high', 'acme', 'shop', 'web']);
  assert.match(cause ?? '', /^it uses 58 MiB of its 64 MiB; raise the memory of the set/);
  assert.deepEqual(data?.percent, 90);
});
