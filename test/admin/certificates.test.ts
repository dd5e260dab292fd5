/** Certificates through the API, over the real vault: lists, import, renewal, revocation, and that no key comes out. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { testAuthority } from '#test/certs/certificate-authority';
import { type CertificateGround, withVault } from './certificate-ground.ts';
import { TENANT_TOKEN, Tidegate } from './tidegate.ts';

const LIST = '/v1/certificates';
const HOUR_MS = 3_600_000;
const CA = 'https://ca.example.test/directory';
const AS_TENANT = { authorization: `Bearer ${TENANT_TOKEN}` };
const authority = testAuthority();

function bodyFor(...names: string[]) {
  const { chain, key } = authority.issue(names);
  return { certificate: chain, private_key: key };
}

async function ordered({ vault }: CertificateGround, name: string, tenant: string | null = 'default'): Promise<string> {
  const { chain, key } = authority.issue([name]);
  return (await vault.put({ tenant, chain, key, issuer: CA })).id;
}

test('a certificate that is brought along is taken, found and listed, and its key never shown', async (t) => {
  const { tidegate } = await withVault(t);
  const body = bodyFor('shop.test', '*.shop.test');
  const made = await tidegate.ask(LIST, { method: 'POST', body });
  assert.equal(made.status, 201);
  const location = made.headers.get('location') ?? '';
  const json = await made.json();
  const one = await tidegate.json(location);
  assert.deepEqual(one.json.value, json);
  assert.deepEqual(
    ['names', 'state', 'issuer', 'key_type', 'tenant', 'issuance'].map((field) => one.json.at(field)),
    [['shop.test', '*.shop.test'], 'valid', 'import', 'ecdsa-p256', 'default', null],
  );
  const secret = body.private_key.split('\n')[1] ?? '';
  for (const path of [LIST, location]) {
    const text = await (await tidegate.ask(path)).text();
    assert.ok(text.includes('shop.test') && !text.includes(secret) && !text.includes('PRIVATE'), path);
  }
});

test('a key does not come back in the answer that an idempotency key keeps', async (t) => {
  const { tidegate } = await withVault(t);
  const body = bodyFor('shop.test');
  const asked = { method: 'POST', body, headers: { 'idempotency-key': 'k' } };
  const [first, again] = [await tidegate.ask(LIST, asked), await tidegate.ask(LIST, asked)];
  assert.equal(again.headers.get('idempotency-replayed'), 'true');
  assert.equal(await again.text(), await first.text());
  const kept = JSON.stringify(await tidegate.ports.answers?.documents('idempotency'));
  assert.ok(kept.includes('shop.test') && !kept.includes(body.private_key.split('\n')[1] ?? ''));
  assert.equal((await tidegate.json(LIST)).json.each('items', 'id').length, 1);
});

test('what clients could not use names the field, the fault and the fix, and is not taken', async (t) => {
  const { tidegate } = await withVault(t);
  const good = bodyFor('shop.test');
  const old = authority.issue(['shop.test'], Date.now() - HOUR_MS);
  const table: readonly [body: object, pointer: string, code: string, fix: RegExp][] = [
    [{ ...good, certificate: 'x' }, '/certificate', 'certificate_unreadable', /PEM/],
    [{ ...good, private_key: 'x' }, '/private_key', 'key_unreadable', /without a passphrase/],
    [{ ...good, private_key: bodyFor('shop.test').private_key }, '/private_key', 'key_mismatch', /made with/],
    [{ certificate: old.chain, private_key: old.key }, '/certificate', 'expired', /new certificate/],
  ];
  for (const [body, pointer, code, fix] of table) {
    const { status, json } = await tidegate.json(LIST, { method: 'POST', body });
    assert.deepEqual([status, json.at('errors.0.pointer'), json.at('errors.0.code')], [422, pointer, code]);
    assert.match(String(json.at('fix.0')), fix);
    assert.doesNotMatch(JSON.stringify(json.value), /PRIVATE/);
  }
  assert.deepEqual((await tidegate.json(LIST)).json.at('items'), []);
});

test('a tenant brings certificates for its verified hostnames only', async (t) => {
  const { tidegate } = await withVault(t);
  const bind = async (hostname: string, tenant: string): Promise<void> => {
    const headers = { 'tidegate-tenant': tenant };
    await tidegate.ask('/v1/domains', { method: 'POST', body: { hostname, app: 'shop' }, headers });
    await tidegate.ask(`/v1/domains/${hostname}/verify`, { method: 'POST', headers });
  };
  await bind('mine.test', 'default');
  await bind('theirs.test', 'acme');
  const bring = (names: string[], headers: Record<string, string>) =>
    tidegate.json(LIST, { method: 'POST', body: bodyFor(...names), headers });
  assert.equal((await bring(['mine.test', 'a.mine.test'], AS_TENANT)).status, 201);
  for (const name of ['theirs.test', 'a.theirs.test', 'nobody.test']) {
    const { status, json } = await bring(['mine.test', name], AS_TENANT);
    assert.deepEqual([status, json.at('errors.0.code'), json.each('errors', 'code').length], [422, 'not_owned', 1]);
    assert.match(String(json.at('errors.0.detail')), new RegExp(`: ${name} is on it`));
  }
  // An operator answers for names that are nobody's, and for a tenant's own in the name of that tenant.
  assert.equal((await bring(['nobody.test'], {})).status, 201);
  assert.equal((await bring(['theirs.test'], {})).status, 422);
  assert.equal((await bring(['theirs.test'], { 'tidegate-tenant': 'acme' })).status, 201);
});

test('a dry run of an import checks everything and takes nothing', async (t) => {
  const { tidegate } = await withVault(t);
  const path = `${LIST}?dry_run=true`;
  const good = await tidegate.json(path, { method: 'POST', body: bodyFor('shop.test') });
  assert.deepEqual([good.status, good.json.value], [200, { names: ['shop.test'] }]);
  const body = { ...bodyFor('shop.test'), private_key: bodyFor('shop.test').private_key };
  assert.equal((await tidegate.ask(path, { method: 'POST', body })).status, 422);
  assert.deepEqual((await tidegate.json(LIST)).json.at('items'), []);
});

test("another tenant's certificate is not there, and those of the platform are for operators", async (t) => {
  const ground = await withVault(t);
  const { tidegate } = ground;
  const own = await ordered(ground, 'own.test');
  const theirs = await ordered(ground, 'theirs.test', 'acme');
  const platform = await ordered(ground, 'platform.test', null);
  const listed = async (headers: Record<string, string>) =>
    (await tidegate.json(LIST, { headers })).json.each('items', 'id');
  assert.deepEqual(await listed({}), [own, platform].sort());
  assert.deepEqual(await listed(AS_TENANT), [own]);
  for (const [id, headers] of [
    [theirs, {}],
    [theirs, AS_TENANT],
    [platform, AS_TENANT],
    ['crt_none', {}],
  ] as const) {
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['DELETE', '', undefined],
      ['POST', '/renew', undefined],
      ['POST', '/revoke', {}],
    ] as const) {
      assert.equal(
        (await tidegate.ask(`${LIST}/${id}${path}`, { method, body, headers })).status,
        404,
        `${method} ${id}`,
      );
    }
  }
  assert.deepEqual(ground.calls, []);
  assert.notEqual(await ground.vault.get(theirs), null);
});

test('certificates come in pages by age, whoever they belong to', async (t) => {
  const ground = await withVault(t);
  const ids: string[] = [];
  for (const [name, tenant] of [
    ['a.test', 'default'],
    ['b.test', null],
    ['c.test', 'default'],
    ['d.test', null],
  ] as const) {
    ids.push(await ordered(ground, name, tenant));
    await ground.tidegate.clock.advance(1);
  }
  const seen: unknown[] = [];
  let cursor = '';
  for (let pages = 0; pages < 4; pages++) {
    const { json } = await ground.tidegate.json(`${LIST}?limit=1${cursor}`);
    seen.push(...json.each('items', 'id'));
    cursor = `&cursor=${String(json.at('next_cursor'))}`;
    if (pages === 3) assert.equal(json.at('next_cursor'), null);
  }
  assert.deepEqual(seen, ids);
});

test("a certificate shows the authority's own words and when it is tried again", async (t) => {
  const ground = await withVault(t);
  const id = await ordered(ground, 'shop.test');
  ground.issuance = {
    state: 'rate-limited',
    certificateId: id,
    lastError: { type: 'urn:ietf:params:acme:error:rateLimited', detail: 'too many', at: 0 },
    nextAttemptAt: 60_000,
    attempts: 3,
    orderedAt: 0,
    ca: null,
    warnedOf: null,
  };
  const { json } = await ground.tidegate.json(`${LIST}/${id}`);
  assert.deepEqual(json.at('issuance'), {
    state: 'rate-limited',
    id,
    last_error: { type: 'urn:ietf:params:acme:error:rateLimited', detail: 'too many', at: '1970-01-01T00:00:00.000Z' },
    next_attempt_at: '1970-01-01T00:01:00.000Z',
    attempts: 3,
  });
});

test('a renewal is begun, and the answer says where to look', async (t) => {
  const ground = await withVault(t);
  const id = await ordered(ground, 'shop.test');
  const response = await ground.tidegate.ask(`${LIST}/${id}/renew`, { method: 'POST' });
  assert.deepEqual([response.status, response.headers.get('location')], [202, `${LIST}/${id}`]);
  assert.match(await response.text(), /"state":"renewing"/);
  assert.deepEqual(ground.calls, [`renew ${id}`]);
});

test('what nobody wants any more is not renewed, and that is said', async (t) => {
  const ground = await withVault(t);
  const id = await ordered(ground, 'gone.test');
  ground.isWanted = false;
  const { status, json } = await ground.tidegate.json(`${LIST}/${id}/renew`, { method: 'POST' });
  assert.deepEqual([status, json.at('code')], [409, 'conflict']);
  assert.match(String(json.at('detail')), /gone\.test/);
});

test('an operator has everything encrypted anew, and what was kept can be used', async (t) => {
  const ground = await withVault(t);
  const id = await ordered(ground, 'shop.test');
  const { status, json } = await ground.tidegate.json('/v1/encryption-key/rotate', { method: 'POST' });
  assert.deepEqual([status, json.at('rotated')], [200, true]);
  assert.deepEqual(ground.calls, ['rotate']);
  assert.match((await ground.vault.material(id))?.key ?? '', /KEY/);
});

test('a revocation goes to the authority once, with a reason that it knows', async (t) => {
  const ground = await withVault(t);
  const id = await ordered(ground, 'shop.test');
  const path = `${LIST}/${id}/revoke`;
  const odd = await ground.tidegate.json(path, { method: 'POST', body: { reason: 'mood' } });
  assert.deepEqual([odd.status, odd.json.at('errors.0.pointer')], [422, '/reason']);
  for (let i = 0; i < 2; i++) {
    const { status, json } = await ground.tidegate.json(path, { method: 'POST', body: { reason: 'key_compromise' } });
    assert.deepEqual([status, json.at('state')], [200, 'revoked']);
  }
  assert.deepEqual(ground.calls, [`revoke ${id} key_compromise`]);
});

test('one that was brought along is neither renewed nor revoked here', async (t) => {
  const ground = await withVault(t);
  const made = await ground.tidegate.json(LIST, { method: 'POST', body: bodyFor('shop.test') });
  for (const [path, body, fix] of [
    ['renew', undefined, /brings its successor/],
    ['revoke', {}, /at its authority/],
  ] as const) {
    const asked = { method: 'POST', body };
    const { status, json } = await ground.tidegate.json(`${LIST}/${String(made.json.at('id'))}/${path}`, asked);
    assert.deepEqual([status, json.at('code')], [409, 'conflict']);
    assert.match(String(json.at('fix.0')), fix);
  }
  assert.deepEqual(ground.calls, []);
});

test('a certificate is dropped, as it was read', async (t) => {
  const ground = await withVault(t);
  const path = `${LIST}/${await ordered(ground, 'shop.test')}`;
  const stale = await ground.tidegate.ask(path, { method: 'DELETE', headers: { 'if-match': '"old"' } });
  assert.equal(stale.status, 412);
  const etag = stale.headers.get('etag') ?? '';
  const gone = await ground.tidegate.ask(path, { method: 'DELETE', headers: { 'if-match': etag } });
  assert.deepEqual([gone.status, await gone.text()], [204, '']);
  assert.equal((await ground.tidegate.ask(path)).status, 404);
});

test('the local authority is shown for whoever is to trust it', async (t) => {
  const { tidegate } = await withVault(t);
  const { json } = await tidegate.json(`${LIST}/authority`);
  assert.deepEqual(json.value, { name: 'Local CA', certificate: 'PEM', names: ['localhost'] });
});

test('where nobody keeps certificates, the API says so', async () => {
  const tidegate = await Tidegate.start();
  for (const path of [LIST, `${LIST}/crt_1`]) {
    const { status, json } = await tidegate.json(path);
    assert.deepEqual([status, json.at('code')], [503, 'unavailable']);
  }
  assert.equal((await tidegate.ask(`${LIST}/authority`)).status, 404);
});
