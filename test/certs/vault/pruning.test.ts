/** What ended a month ago leaves the vault, and nothing else does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pruneVault } from '#certs/vault/pruning';
import { silentLog } from '#core/log';
import { testAuthority } from '#test/certs/certificate-authority';
import { temporaryDirectory } from '#test/store/temporary';
import { FakeClock } from '#test/support/fake-clock';
import { until } from '#test/support/until';
import { vaultIn } from './vault-ground.ts';

const DAY_MS = 86_400_000;

test('certificates leave thirty days after their end', async (t) => {
  const clock = new FakeClock(Date.now());
  await using ground = await vaultIn(temporaryDirectory(t), () => clock.wall());
  const authority = testAuthority();
  const put = async (name: string, days: number): Promise<string> => {
    const { chain, key } = authority.issue([name], Date.now() + days * DAY_MS);
    return (await ground.vault.put({ tenant: 'default', chain: chain + authority.certificate, key, issuer: 'import' }))
      .id;
  };
  const [short, long] = [await put('short.test', 1), await put('long.test', 100)];
  const end = pruneVault({ vault: ground.vault, clock, log: silentLog });
  await clock.advance(30 * DAY_MS);
  assert.notEqual(await ground.vault.get(short), null);
  await clock.advance(2 * DAY_MS);
  await until(async () => (await ground.vault.get(short)) === null, { what: 'it is gone' });
  assert.notEqual(await ground.vault.get(long), null);
  end();
  assert.equal(clock.pendingCount, 0);
});
