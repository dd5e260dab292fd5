/** What a tenant's alias may lead to where we write into a zone ourselves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { besideHosts } from '#certs/acme/dns-01/beside-hosts';

test('names that a host may have are never written to', async () => {
  const written: string[] = [];
  const write = async (name: string): Promise<void> => void written.push(name);
  const provider = besideHosts({ name: 'dynamic update at ns', set: write, clear: write });
  const signal = AbortSignal.timeout(1000);
  for (const verb of ['set', 'clear'] as const) {
    await assert.rejects(
      provider[verb]('victim.apps.operator.test', 'x', signal),
      /dynamic update at ns.*_acme-challenge/,
    );
    await provider[verb]('_acme-challenge.a.operator.test', 'x', signal);
  }
  assert.deepEqual(written, ['_acme-challenge.a.operator.test', '_acme-challenge.a.operator.test']);
});
