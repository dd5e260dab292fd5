/** Metrics of certificates: what an alarm can be built on, however many certificates there are. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type CertificateFigures, certificateMetrics } from '#admin/certificate-metrics';
import { metricsText } from '#admin/metrics-text';

const NOW = 1_000_000;

function text(figures: Partial<CertificateFigures>): string {
  return metricsText(certificateMetrics({ now: NOW, certificates: [], orders: {}, issuance: {}, ...figures }));
}

test('a hostname has one line, of its newest certificate, also when that has expired', () => {
  const lines = text({
    certificates: [
      { names: ['a.test', 'b.test'], notAfter: NOW + 60_000, state: 'valid' },
      { names: ['a.test'], notAfter: NOW + 90_000, state: 'valid' },
      { names: ['a.test'], notAfter: NOW + 95_000, state: 'revoked' },
      { names: ['c.test'], notAfter: NOW - 5000, state: 'expired' },
      { names: ['d.test'], notAfter: NOW + 1000, state: 'superseded' },
    ],
  }).split('\n');
  assert.deepEqual(
    lines.filter((line) => line.startsWith('tidegate_certificate_expiry_seconds')),
    ['c.test', 'b.test', 'a.test'].map((name, i) => {
      return `tidegate_certificate_expiry_seconds{hostname="${name}"} ${[-5, 60, 90][i]}`;
    }),
  );
  for (const [state, count] of [
    ['valid', 2],
    ['superseded', 1],
    ['revoked', 1],
    ['expired', 1],
  ] as const) {
    assert.ok(lines.includes(`tidegate_certificates{state="${state}"} ${count}`), state);
  }
});

test('of very many hostnames the thousand that end the soonest are shown', () => {
  const certificates = Array.from({ length: 5000 }, (_, i) => {
    return { names: [`n${i}.test`], notAfter: NOW + (5000 - i) * 1000, state: 'valid' as const };
  });
  const shown = text({ certificates }).match(/^tidegate_certificate_expiry_seconds\{.*$/gm) ?? [];
  assert.equal(shown.length, 1000);
  assert.match(shown[0] ?? '', /n4999\.test"\} 1$/);
  assert.match(shown[999] ?? '', /n4000\.test"\} 1000$/);
});

test('orders are counted by what became of them, hostnames by how it stands with theirs', () => {
  const lines = text({ orders: { issued: 3, failed: 1 }, issuance: { valid: 2, 'rate-limited': 1 } }).split('\n');
  for (const line of [
    'tidegate_certificate_orders_total{outcome="issued"} 3',
    'tidegate_certificate_orders_total{outcome="failed"} 1',
    'tidegate_certificate_issuance{state="valid"} 2',
    'tidegate_certificate_issuance{state="rate-limited"} 1',
  ]) {
    assert.ok(lines.includes(line), line);
  }
});
