/** Limits of an authority are known before it is asked, and over a restart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcmeFault } from '#certs/acme/acme-fault';
import { Ledger } from '#certs/acme/ledger';
import { openSqliteStore } from '#store/sqlite-store';
import type { Store } from '#store/store';
import { temporaryDirectory } from '#test/store/temporary';

const HOUR_MS = 3_600_000;
const START = Date.UTC(2026, 0, 1);

class Scene implements AsyncDisposable {
  now = START;
  readonly store: Store;

  private constructor(store: Store) {
    this.store = store;
  }

  static async open(directory: string): Promise<Scene> {
    return new Scene(await openSqliteStore(directory));
  }

  ledger(): Promise<Ledger> {
    return Ledger.open({ store: this.store, account: 'one', wall: () => this.now });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
  }
}

test('five failed validations of a hostname in an hour hold that hostname alone, until the first is an hour old', async (t) => {
  await using scene = await Scene.open(temporaryDirectory(t));
  const ledger = await scene.ledger();
  for (let i = 0; i < 5; i++) {
    assert.equal(ledger.check(['a.example.com']), null);
    await ledger.failed(['a.example.com']);
    scene.now += 60_000;
  }
  assert.equal(ledger.check(['a.example.com'])?.freeAt, START + HOUR_MS);
  assert.equal(ledger.check(['b.example.com']), null);
  scene.now = START + HOUR_MS + 1;
  assert.equal(ledger.check(['a.example.com']), null);
});

test('fifty certificates of a registered domain in a week hold all its names, and no other domain', async (t) => {
  await using scene = await Scene.open(temporaryDirectory(t));
  const ledger = await scene.ledger();
  for (let i = 0; i < 50; i++) await ledger.issued([`n${i}.shop.example.co.uk`]);
  assert.match(ledger.check(['new.example.co.uk'])?.limit ?? '', /50 certificates of a registered domain/);
  assert.equal(ledger.check(['new.other.co.uk']), null);
  // What was counted is known after a restart.
  assert.notEqual((await scene.ledger()).check(['*.example.co.uk']), null);
});

test('the same names five times in a week, and three hundred orders in three hours, are the limit', async (t) => {
  await using scene = await Scene.open(temporaryDirectory(t));
  const ledger = await scene.ledger();
  for (let i = 0; i < 5; i++) await ledger.issued(['a.example.com']);
  assert.match(ledger.check(['a.example.com'])?.limit ?? '', /same names/);
  assert.equal(ledger.check(['b.example.com']), null);
  await Promise.all(Array.from({ length: 300 }, () => ledger.ordered()));
  assert.equal(ledger.check(['b.example.com'])?.freeAt, START + 3 * HOUR_MS);
});

test('a pause that the authority asks for holds every name until it is over', async (t) => {
  await using scene = await Scene.open(temporaryDirectory(t));
  const ledger = await scene.ledger();
  await ledger.close(START + 5000);
  await ledger.close(START + 1000);
  assert.equal(ledger.check(['a.example.com'])?.freeAt, START + 5000);
  assert.notEqual((await scene.ledger()).check(['z.example.org']), null);
  scene.now += 5000;
  assert.equal(ledger.check(['a.example.com']), null);
});

test('limits of the account hold everybody, those of names do not', () => {
  const said = (status: number, detail: string): AcmeFault =>
    new AcmeFault({ type: 'rateLimited', detail, status, retryAfterMs: null });
  assert.equal(said(429, 'too many new orders (300) from this account in the last 3h0m0s').isAccountLimit, true);
  assert.equal(said(503, 'Service busy; retry later.').isAccountLimit, true);
  assert.equal(
    said(429, 'too many certificates already issued for "myaccounts.example": see https://ca.test/docs/requests')
      .isAccountLimit,
    false,
  );
  assert.equal(said(429, 'too many certificates (50) already issued for "example.com"').isAccountLimit, false);
  assert.equal(
    said(429, 'too many certificates (5) already issued for this exact set of identifiers').isAccountLimit,
    false,
  );
});

test('a Retry-After of years is a slip, and held against us no longer than a week', () => {
  const said = (status: number): AcmeFault =>
    new AcmeFault({ type: 'serverInternal', detail: 'busy', status, retryAfterMs: 999_999_999_000 });
  assert.equal(said(503).retryAfterMs, HOUR_MS);
  assert.equal(said(429).retryAfterMs, 168 * HOUR_MS);
});

test('room is kept for orders under way, given back once, and a renewal needs none of the account', async (t) => {
  await using scene = await Scene.open(temporaryDirectory(t));
  const ledger = await scene.ledger();
  for (let i = 0; i < 49; i++) await ledger.issued([`n${i}.example.com`]);
  const room = ledger.take(['a.example.com'], 'new');
  assert.ok(!('limit' in room));
  assert.ok('limit' in ledger.take(['b.example.com'], 'new'));
  assert.ok(!('limit' in ledger.take(['n1.example.com'], 'renewal')));
  room[Symbol.dispose]();
  room[Symbol.dispose]();
  assert.ok(!('limit' in ledger.take(['b.example.com'], 'new')));
  assert.ok('limit' in ledger.take(['c.example.com'], 'new'));
});
