/** What is looked at to know whether a tenant may use a copy of an image. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { SetRecord } from '#apps/app-record';
import { ImageRights } from '#apps/image-rights';
import { RegistryBook } from '#apps/registry-book';
import type { Revision } from '#core/set-spec';
import { FakeClock } from '#test/support/fake-clock';
import { specOf } from './support/platform.ts';

const ID = 'sha256:1';
const REFERENCE = 'registry.example/acme/shop:1';

test('what a tenant runs is looked for among his own revisions, as far as the first that has it', () => {
  const set = (tenant: string, name: string): SetRecord => ({
    ...{ tenant, app: 'shop', name, spec: specOf(REFERENCE), labels: {}, current: 1, shares: [] },
    ...{ routing: null, lastRevision: 1, createdAt: 0 },
  });
  const revision = { number: 1, images: { 1: { reference: REFERENCE, id: ID, digest: null } } } as unknown as Revision;
  const seen: string[] = [];
  const rights = new ImageRights({
    library: {
      allSets: () => [set('evil', 'a'), set('acme', 'a'), set('acme', 'b'), set('evil', 'b')].values(),
      revisions: (tenant, _, name) => {
        seen.push(`${tenant}/${name}`);
        return [revision];
      },
    },
    registries: { isGuarded: () => true, hasGiven: () => false, gave: () => {} },
  });
  assert.equal(rights.has({ tenant: 'acme', reference: REFERENCE }, { id: ID }), true);
  assert.deepEqual(seen, ['acme/a']);
  assert.equal(rights.has({ tenant: 'friend', reference: REFERENCE }, { id: ID }), false);
  assert.deepEqual(seen, ['acme/a']);
});

test('what a registry gave a tenant is not for the next one of that name', async () => {
  const unused = (): never => assert.fail('no password is kept here');
  const registries = await RegistryBook.open({
    store: { document: async () => null, documents: async () => [], changeDocuments: async () => {} },
    ...{ clock: new FakeClock(), seal: unused, unseal: unused, engines: () => [] },
  });
  await registries.guard('registry.example/acme/shop');
  const rights = new ImageRights({ library: { allSets: () => [].values(), revisions: () => [] }, registries });
  const has = (tenant: string): boolean => rights.has({ tenant, reference: REFERENCE }, { id: ID });
  for (const tenant of ['acme', 'acme-2']) rights.took(tenant, REFERENCE, { id: ID });
  assert.deepEqual([has('acme'), has('acme-2'), has('evil')], [true, true, false]);
  registries.forgetTenant('acme');
  assert.deepEqual([has('acme'), has('acme-2')], [false, true]);
});
