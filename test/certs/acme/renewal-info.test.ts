/** Advice on renewals: what it is asked by, and what is made of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import forge from 'node-forge';
import { planRenewal, renewalInfoOf } from '#certs/acme/renewal-info';
import { renewalIdOf } from '#certs/renewal-id';

const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 0, 1);
const NO_NOTE = { windowStart: null, windowEnd: null, ariId: 'a.b', checkedAt: null };
const certificate = { notBefore: START, notAfter: START + 90 * DAY_MS, createdAt: START, renewal: NO_NOTE };

test('a certificate is named by the key of its issuer and its serial number, as RFC 9773 4.1 does in its example', () => {
  const { asn1 } = forge;
  const { UNIVERSAL, CONTEXT_SPECIFIC } = asn1.Class;
  const node = (type: forge.asn1.Type, value: string | forge.asn1.Asn1[]) =>
    asn1.create(UNIVERSAL, type, Array.isArray(value), value);
  const sequence = (...parts: forge.asn1.Asn1[]) => node(asn1.Type.SEQUENCE, parts);
  const keyId = Buffer.from('69885b6b87464041e1b37b847ba0ae2cde01c8d4', 'hex').toString('latin1');
  const issuerKey = sequence(asn1.create(CONTEXT_SPECIFIC, 0 as forge.asn1.Type, false, keyId));
  const extension = sequence(
    node(asn1.Type.OID, asn1.oidToDer('2.5.29.35').getBytes()),
    node(asn1.Type.OCTETSTRING, asn1.toDer(issuerKey).getBytes()),
  );
  const body = sequence(
    asn1.create(CONTEXT_SPECIFIC, 0 as forge.asn1.Type, true, [node(asn1.Type.INTEGER, '\x02')]),
    node(asn1.Type.INTEGER, '\x00\x87\x65\x43\x21'),
    ...[sequence(), sequence(), sequence(), sequence(), sequence()],
    asn1.create(CONTEXT_SPECIFIC, 3 as forge.asn1.Type, true, [sequence(extension)]),
  );
  const der = Buffer.from(asn1.toDer(sequence(body)).getBytes(), 'latin1');
  assert.equal(renewalIdOf(der), 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE');
  assert.equal(renewalIdOf(Buffer.from('no certificate')), null);
});

test('the moment is chosen by chance within the window, once', () => {
  const info = { windowStart: START + 60 * DAY_MS, windowEnd: START + 62 * DAY_MS, retryAfterMs: 60_000 };
  const plan = planRenewal({ certificate, info, planned: null, now: START + DAY_MS, random: () => 0.5 });
  assert.equal(plan.renewAt, START + 61 * DAY_MS);
  assert.equal(plan.lookAt, START + DAY_MS + 60_000);
  const noted = { ...certificate, renewal: plan.note };
  const again = planRenewal({
    certificate: noted,
    info,
    planned: plan.renewAt,
    now: START + 2 * DAY_MS,
    random: () => 0,
  });
  assert.equal(again.renewAt, plan.renewAt);
  // A plan that was lost since, and made without the advice, does not stand.
  const lost = planRenewal({
    certificate: noted,
    info,
    planned: START + 80 * DAY_MS,
    now: START + 2 * DAY_MS,
    random: () => 0,
  });
  assert.equal(lost.renewAt, info.windowStart);
});

test('advice to renew at once waits for a third of the life, unless it is news', () => {
  const past = { windowStart: START - 2, windowEnd: START - 1, retryAfterMs: null };
  const now = START + 10 * DAY_MS;
  const first = planRenewal({ certificate, info: past, planned: null, now, random: () => 0 });
  assert.equal(first.renewAt, START + 30 * DAY_MS);
  const before = { ...NO_NOTE, windowStart: START + 60 * DAY_MS, windowEnd: START + 61 * DAY_MS };
  const news = planRenewal({
    certificate: { ...certificate, renewal: before },
    info: past,
    planned: before.windowStart,
    now,
    random: () => 0,
  });
  assert.ok(news.renewAt <= now);
  // It is news with the next look, too.
  const noted = { ...certificate, renewal: news.note };
  assert.ok(
    planRenewal({ certificate: noted, info: past, planned: news.renewAt, now, random: () => 0 }).renewAt <= now,
  );
});

test('advice to let it end, and an answer without sense, are not followed', () => {
  const late = { windowStart: START + 95 * DAY_MS, windowEnd: START + 96 * DAY_MS, retryAfterMs: 10 * DAY_MS };
  const plan = planRenewal({ certificate, info: late, planned: null, now: START, random: () => 0 });
  assert.equal(plan.renewAt, START + 81 * DAY_MS);
  assert.equal(plan.lookAt, START + DAY_MS);
  const none = planRenewal({ certificate, info: null, planned: START + 59 * DAY_MS, now: START, random: () => 0 });
  assert.equal(none.renewAt, START + 59 * DAY_MS);
  for (const body of [
    null,
    {},
    'html',
    { suggestedWindow: {} },
    { suggestedWindow: { start: '2026-02-01', end: '2026-01-01' } },
  ]) {
    assert.equal(renewalInfoOf(body, null), null);
  }
});
