/** Certificates for tests of the API: the real vault on a real store, and in place of the issuance a note of its calls. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { CertificateBook } from '#admin/certificate-port';
import type { ScaleSetting } from '#admin/ports';
import type { IssuanceView } from '#certs/acme/issuance-record';
import { CertificateVault } from '#certs/vault/certificate-vault';
import { IMPORTED } from '#certs/vault/kept-certificate';
import { SealedBox } from '#certs/vault/sealed-box';
import { silentLog } from '#core/log';
import type { SetKey } from '#core/set';
import { openSqliteStore } from '#store/sqlite-store';
import type { Store } from '#store/store';
import type { Amounts } from '#tenants/plan';
import type { Platform } from '#test/apps/support/platform';
import { temporaryDirectory } from '#test/store/temporary';
import { FakeClock } from '#test/support/fake-clock';
import { amountsHeld } from '../../tenancy.ts';
import { type Tenancy, tenancyOn } from './tenancy-parts.ts';
import { Tidegate } from './tidegate.ts';

export const NOTHING_ORDERED: IssuanceView = {
  state: 'valid',
  certificateId: null,
  lastError: null,
  nextAttemptAt: null,
  attempts: 0,
  orderedAt: null,
  ca: null,
  warnedOf: null,
};

export interface CertificateGround {
  readonly tidegate: Tidegate;
  readonly vault: CertificateVault;
  readonly store: Store;
  readonly tenancy: Tenancy;
  /** What the issuance was told. */
  readonly calls: string[];
  /** What it answers. */
  issuance: IssuanceView;
  /** Whether anybody wants the certificates it is asked to renew. */
  isWanted: boolean;
}

export interface VaultOptions {
  /** Certificates of tests are made by the clock of this machine: its time when left out. */
  readonly clock?: FakeClock;
  /** Where apps run; null: there are none but those of labels. */
  readonly platform?: Platform | null;
}

export async function withVault(
  t: TestContext,
  { clock = new FakeClock(Date.now()), platform = null }: VaultOptions = {},
): Promise<CertificateGround> {
  // Before its store goes.
  if (platform !== null) t.after(() => platform.close());
  const directory = temporaryDirectory(t);
  const store = await openSqliteStore(directory);
  t.after(() => store.close());
  const box = SealedBox.open({ file: join(directory, 'encryption.key') });
  const vault = new CertificateVault({ store, box, wall: () => clock.wall(), random: randomBytes, log: silentLog });
  const calls: string[] = [];
  const ground = { vault, calls, issuance: NOTHING_ORDERED, isWanted: true };
  const certificates: CertificateBook = {
    list: (page) => vault.list(page),
    get: (id) => vault.get(id),
    issuance: () => ground.issuance,
    bring: (brought) => vault.put({ ...brought, issuer: IMPORTED }),
    renew: async (id) => {
      calls.push(`renew ${id}`);
      if (!ground.isWanted) return null;
      return { ...ground.issuance, state: 'renewing' };
    },
    revoke: async (id, reason) => {
      calls.push(`revoke ${id} ${reason}`);
      await vault.update(id, { state: 'revoked' });
    },
    drop: (id) => vault.drop(id),
    rotateKey: async () => {
      calls.push('rotate');
      await vault.rotateKey(randomBytes(32));
    },
    authority: () => ({ name: 'Local CA', certificate: 'PEM', names: ['localhost'] }),
  };
  const settings = new Map<SetKey, ScaleSetting>();
  const measured = (tenant: string): Partial<Amounts> =>
    platform === null ? {} : amountsHeld(platform.apps.library, { get: (key) => settings.get(key) ?? null }, tenant);
  const tenancy = await tenancyOn(t, store, { clock, measured });
  const apps = platform === null ? {} : { apps: await platform.open(store) };
  const tidegate = await Tidegate.start(100, { certificates, answers: store, tenancy, ...apps }, clock, settings);
  return Object.assign(ground, { tidegate, store, tenancy });
}
