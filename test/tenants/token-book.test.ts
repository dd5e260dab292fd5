/** Tokens at rest: in force after a restart, gone for good when they are revoked, and kept by name within their tenant. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test, { type TestContext } from 'node:test';
import { silentLog } from '#core/log';
import { openSqliteStore } from '#store/sqlite-store';
import { Quotas } from '#tenants/quotas';
import { TenantDirectory } from '#tenants/tenant-directory';
import { type NewToken, TokenBook } from '#tenants/token-book';
import type { TokenGrant } from '#tenants/token-record';
import { temporaryDirectory } from '#test/store/temporary';
import { FakeClock } from '#test/support/fake-clock';

const GRANT: TokenGrant = {
  ...{ name: 'ci', kind: 'dep', tenant: 'default', scopes: ['deploy'], resources: [], cidrs: [], expiresAt: null },
};

async function ground(t: TestContext) {
  const store = await openSqliteStore(temporaryDirectory(t));
  t.after(() => store.close());
  const clock = new FakeClock();
  const tenants = await TenantDirectory.open(store);
  const quotas = new Quotas({ store, limitsOf: (tenant) => tenants.limitsOf(tenant) });
  const open = (): Promise<TokenBook> => TokenBook.open({ store, quotas, clock, random: randomBytes, log: silentLog });
  return { store, clock, open, tenants, quotas };
}

async function made(book: TokenBook, grant: TokenGrant = GRANT): Promise<NewToken> {
  const outcome = await book.create(grant, 'op_1');
  assert.equal(outcome.kind, 'made');
  return outcome as NewToken;
}

test('a token is in force after a restart, with what it may do and when it was used', async (t) => {
  const { open, clock } = await ground(t);
  const book = await open();
  const { text, token } = await made(book, { ...GRANT, resources: ['app:shop'], cidrs: ['10.0.0.0/8'] });
  assert.notEqual(book.authenticate(text, '10.0.0.1'), null);
  const again = await open();
  const { ended, ...principal } = again.authenticate(text, '10.0.0.1') ?? {};
  assert.equal(ended?.aborted, false);
  assert.deepEqual(principal, {
    ...{ id: token.id, name: 'ci', kind: 'dep', tenant: 'default', scopes: ['deploy'], operator: false },
    ...{ resources: ['app:shop'], cidrs: ['10.0.0.0/8'], expiresAt: null },
  });
  assert.equal(again.find('default', 'ci')?.lastUsedAt, clock.wall());
});

test('what is revoked or rotated is so after a restart', async (t) => {
  const { open, store, quotas } = await ground(t);
  const book = await open();
  const [first, second] = [await made(book), await made(book, { ...GRANT, name: 'other' })];
  await book.revoke(first.token.id);
  const rotated = await book.rotate(second.token.id);
  const again = await open();
  assert.equal(again.authenticate(first.text, null), null);
  assert.equal(again.authenticate(second.text, null), null);
  assert.equal(again.authenticate(rotated?.text ?? '', null)?.name, 'other');
  assert.equal((await quotas.used('default')).tokens, 1);
  assert.equal((await store.documents('token')).length, 1);
  assert.deepEqual([await again.revoke(first.token.id), await again.rotate(first.token.id)], [false, null]);
});

test('a name is free in another tenant, and again once its token is gone', async (t) => {
  const { open, tenants } = await ground(t);
  await tenants.add('acme', { plan: 'unlimited', state: 'active' }, 0);
  const book = await open();
  const { token } = await made(book);
  await made(book, { ...GRANT, tenant: 'acme' });
  await made(book, { ...GRANT, tenant: null, kind: 'op' });
  assert.equal((await book.create(GRANT, 'op_1')).kind, 'taken');
  await book.revoke(token.id);
  await made(book);
  assert.equal(book.find('acme', token.id), null, 'ids are looked up within a tenant, too');
});

test('a token of an operator belongs to no tenant', async (t) => {
  const { open } = await ground(t);
  const book = await open();
  const { text } = await made(book, { ...GRANT, tenant: null, kind: 'op', scopes: ['read'] });
  assert.match(text, /^tide_op_/);
  const principal = book.authenticate(text, null);
  assert.deepEqual([principal?.operator, principal?.tenant, principal?.scopes], [true, null, ['read']]);
});

test('the time of a token may be longer than a timer can wait', async (t) => {
  const { open, clock } = await ground(t);
  const book = await open();
  const expiresAt = clock.wall() + 60 * 86_400_000;
  const { text } = await made(book, { ...GRANT, expiresAt });
  const ended = book.authenticate(text, null)?.ended;
  await clock.advance(59 * 86_400_000);
  assert.equal(ended?.aborted, false);
  await clock.advance(86_400_000);
  assert.equal(ended?.aborted, true);
  assert.equal(clock.pendingCount, 0);
});

test('when a token was used last is forgotten with it, also when that was written late', async (t) => {
  const { open, store } = await ground(t);
  await store.putDocument('token-use', 'tok_gone', { at: 1 });
  await open();
  assert.deepEqual(await store.documents('token-use'), []);
});
