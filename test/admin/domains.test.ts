/** Domains through the API: what to set, what stands in the way, and whose they are. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Tidegate } from './tidegate.ts';

const ACME = { 'tidegate-tenant': 'acme' };

async function withDomain(hostname = 'shop.acme.com'): Promise<{ tidegate: Tidegate; id: string }> {
  const tidegate = await Tidegate.start();
  const { json } = await tidegate.json('/v1/domains', {
    method: 'POST',
    body: { hostname, app: 'shop' },
    headers: ACME,
  });
  return { tidegate, id: String(json.at('id')) };
}

test('a new domain is answered with the records to set and where it is found', async () => {
  const tidegate = await Tidegate.start();
  const body = { hostname: 'shop.acme.com', app: 'shop' };
  const response = await tidegate.ask('/v1/domains', { method: 'POST', body, headers: ACME });
  assert.equal(response.status, 201);
  const json = (await response.json()) as { id: string };
  assert.equal(response.headers.get('location'), `/v1/domains/${json.id}`);
  assert.match(response.headers.get('etag') ?? '', /^"[\w-]{16}"$/);
  assert.deepEqual(json, {
    id: json.id,
    hostname: 'shop.acme.com',
    app: 'shop',
    set: null,
    path: '/',
    status: 'pending_ownership',
    records: [
      {
        type: 'TXT',
        name: '_tidegate.shop.acme.com',
        value: 'tidegate-verify=acme-shop.acme.com',
        purpose: 'ownership',
        state: 'missing',
        seen: [],
      },
    ],
    conditions: [
      {
        type: 'Ownership',
        status: 'False',
        reason: 'TxtMissing',
        message: 'There is no TXT at _tidegate.shop.acme.com.',
      },
    ],
    certificate: { state: 'none', id: null, last_error: null, next_attempt_at: null, attempts: 0 },
    diagnosis: [],
    created_at: '2026-01-01T00:00:00.000Z',
    checked_at: null,
    next_check_at: '2026-01-01T00:00:05.000Z',
  });
  const again = await tidegate.json(`/v1/domains/${json.id}`, { headers: ACME });
  assert.deepEqual(again.json.value, json);
});

test('a domain is found by id and by hostname, a wildcard also with its * encoded', async () => {
  const { tidegate, id } = await withDomain('*.acme.com');
  for (const which of [id, '*.acme.com', '%2A.acme.com', '%2a.acme.com']) {
    const { status, json } = await tidegate.json(`/v1/domains/${which}`, { headers: ACME });
    assert.deepEqual([status, json.at('id')], [200, id], which);
  }
});

test('what cannot be bound names the field and the fix, and nothing is bound', async () => {
  const tidegate = await Tidegate.start();
  const table: readonly [body: object, pointer: string, code: string][] = [
    [{ hostname: 'a..b', app: 'shop' }, '/hostname', 'domain.bad_hostname'],
    [{ hostname: 'shop.acme.com', app: 'No App' }, '/app', 'bad_name'],
    [{ hostname: 'shop.acme.com', app: 'shop', set: '-' }, '/set', 'bad_name'],
    [{ hostname: 'shop.acme.com', app: 'shop', path: 'x' }, '/path', 'bad_path'],
    [{ hostname: 'shop.acme.com', apps: 'shop' }, '/app', 'invalid_type'],
  ];
  for (const [body, pointer, code] of table) {
    const { status, json } = await tidegate.json('/v1/domains', { method: 'POST', body });
    assert.deepEqual([status, json.at('errors.0.pointer'), json.at('errors.0.code')], [422, pointer, code]);
  }
  const faulty = await tidegate.json('/v1/domains', { method: 'POST', body: { hostname: 'a..b', app: 'shop' } });
  assert.match(String(faulty.json.at('fix.0')), /Write a hostname/);
  assert.deepEqual((await tidegate.json('/v1/domains')).json.at('items'), []);
});

test('a hostname the tenant has already is a conflict that says where it is', async () => {
  const { tidegate, id } = await withDomain();
  const body = { hostname: 'Shop.Acme.com.', app: 'other' };
  const response = await tidegate.ask('/v1/domains', { method: 'POST', body, headers: ACME });
  assert.equal(response.status, 409);
  assert.equal(response.headers.get('location'), `/v1/domains/${id}`);
  assert.match(await response.text(), /for the app \\"shop\\".*"code":"conflict"/);
});

test('domains come in pages, in the order of their hostnames', async () => {
  const tidegate = await Tidegate.start();
  for (const hostname of ['c.test', 'a.test', 'b.test']) {
    await tidegate.ask('/v1/domains', { method: 'POST', body: { hostname, app: 'shop' } });
  }
  const first = await tidegate.json('/v1/domains?limit=2');
  assert.deepEqual(first.json.each('items', 'hostname'), ['a.test', 'b.test']);
  const next = await tidegate.json(`/v1/domains?limit=2&cursor=${String(first.json.at('next_cursor'))}`);
  assert.deepEqual([next.json.each('items', 'hostname'), next.json.at('next_cursor')], [['c.test'], null]);
});

test("another tenant's domain is not there, whatever is asked of it", async () => {
  const { tidegate, id } = await withDomain();
  for (const which of [id, 'shop.acme.com']) {
    const asked: readonly [method: string, path: string][] = [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/verify'],
      ['GET', '/diagnose'],
      ['POST', '/diagnose'],
    ];
    for (const [method, path] of asked) {
      const { status, json } = await tidegate.json(`/v1/domains/${which}${path}`, { method });
      assert.deepEqual([status, json.at('code')], [404, 'not_found'], `${method} ${path}`);
    }
  }
  assert.deepEqual(tidegate.domains.calls, ['add shop.acme.com']);
  assert.equal((await tidegate.ask(`/v1/domains/${id}`, { headers: ACME })).status, 200);
});

test('verify checks now, answers what was found, and says when it may be asked again', async () => {
  const { tidegate, id } = await withDomain();
  tidegate.domains.diagnosis = [
    {
      code: 'dns.wrong_target',
      detail: 'It leads elsewhere.',
      fix: 'Set A.',
      wanted: ['192.0.2.1'],
      seen: ['192.0.2.9'],
    },
  ];
  const verify = { method: 'POST', headers: ACME };
  const first = await tidegate.json(`/v1/domains/${id}/verify`, verify);
  assert.deepEqual([first.status, first.json.at('status')], [200, 'pending_dns']);
  assert.deepEqual(first.json.at('diagnosis.0'), {
    code: 'dns.wrong_target',
    detail: 'It leads elsewhere.',
    fix: 'Set A.',
    wanted: ['192.0.2.1'],
    seen: ['192.0.2.9'],
  });
  await tidegate.clock.advance(1500);
  const soon = await tidegate.ask(`/v1/domains/${id}/verify`, verify);
  assert.deepEqual([soon.status, soon.headers.get('retry-after')], [429, '4']);
  assert.match(await soon.text(), /too_many_requests/);
  await tidegate.clock.advance(3500);
  tidegate.domains.diagnosis = [];
  assert.equal((await tidegate.json(`/v1/domains/${id}/verify`, verify)).json.at('status'), 'active');
});

test('a diagnosis shows what each resolver says beside what was wanted, by GET and by POST', async () => {
  const { tidegate, id } = await withDomain();
  tidegate.domains.diagnosis = [{ code: 'dns.servfail', detail: 'x', fix: 'y', resolver: '192.0.2.53' }];
  for (const method of ['GET', 'POST']) {
    const { status, json } = await tidegate.json(`/v1/domains/${id}/diagnose`, { method, headers: ACME });
    assert.equal(status, 200);
    assert.deepEqual(json.value, {
      hostname: 'shop.acme.com',
      diagnosis: [{ code: 'dns.servfail', detail: 'x', fix: 'y', resolver: '192.0.2.53' }],
      records: [
        {
          resolver: '192.0.2.53',
          type: 'A',
          name: 'shop.acme.com',
          wanted: ['192.0.2.1'],
          seen: ['192.0.2.9'],
          fault: null,
        },
      ],
    });
  }
});

test('a domain is removed without a body in the answer, and only as it was read', async () => {
  const { tidegate, id } = await withDomain();
  const path = `/v1/domains/${id}`;
  const etag = (await tidegate.ask(path, { headers: ACME })).headers.get('etag') ?? '';
  await tidegate.ask(`${path}/verify`, { method: 'POST', headers: ACME });
  const stale = await tidegate.json(path, { method: 'DELETE', headers: { ...ACME, 'if-match': etag } });
  assert.deepEqual([stale.status, stale.json.at('code')], [412, 'precondition_failed']);
  const fresh = (await tidegate.ask(path, { headers: ACME })).headers.get('etag') ?? '';
  const weak = await tidegate.ask(path, { method: 'DELETE', headers: { ...ACME, 'if-match': `W/${fresh}` } });
  assert.equal(weak.status, 412);
  const gone = await tidegate.ask(path, { method: 'DELETE', headers: { ...ACME, 'if-match': `"x", ${fresh}` } });
  assert.deepEqual([gone.status, await gone.text(), gone.headers.get('content-type')], [204, '', null]);
  assert.equal((await tidegate.ask(path, { headers: ACME })).status, 404);
});

test('who asks for a dry run of what has none gets nothing done', async () => {
  const { tidegate, id } = await withDomain();
  for (const [method, path] of [
    ['POST', `/v1/domains/${id}/verify?dry_run=true`],
    ['DELETE', `/v1/domains/${id}?dry_run`],
    ['DELETE', `/v1/domains/${id}?dry_run=yes`],
  ] as const) {
    const { status, json } = await tidegate.json(path, { method, headers: ACME });
    assert.deepEqual([status, json.at('errors.0.pointer')], [422, '/dry_run'], path);
  }
  assert.deepEqual(tidegate.domains.calls, ['add shop.acme.com']);
});

test('DELETE of what takes none names the methods that are taken', async () => {
  const tidegate = await Tidegate.start();
  const response = await tidegate.ask('/v1/domains/x', { method: 'PUT' });
  assert.deepEqual([response.status, response.headers.get('allow')], [405, 'DELETE, GET, HEAD']);
});
