/** Metrics of certificates and of the orders for them. However many there are, their number of lines is bounded. */
import { CERTIFICATE_STATES, type KeptCertificate } from '#certs/vault/kept-certificate';
import type { MetricFamily, MetricSample } from './ports.ts';

/** Hostnames with a line of their own: those that end the soonest. */
const HOSTNAMES_MAX = 1000;

export interface CertificateFigures {
  /** Unix ms. */
  readonly now: number;
  readonly certificates: Iterable<Pick<KeptCertificate, 'names' | 'notAfter' | 'state'>>;
  /** Counters of orders since the start, by what became of them: `ordered`, `issued`, `failed`, `rate_limited` … */
  readonly orders: Readonly<Record<string, number>>;
  /** Hostnames by the state of their issuance, as IssuanceView names it. */
  readonly issuance: Readonly<Record<string, number>>;
}

export function certificateMetrics({ now, certificates, orders, issuance }: CertificateFigures): MetricFamily[] {
  const counts = new Map<string, number>(CERTIFICATE_STATES.map((state) => [state, 0]));
  const ends = new Map<string, number>();
  for (const { names, notAfter, state } of certificates) {
    counts.set(state, (counts.get(state) ?? 0) + 1);
    // One that has expired without a successor is what an alarm is about.
    if (state !== 'valid' && state !== 'expired') continue;
    for (const name of names) ends.set(name, Math.max(notAfter, ends.get(name) ?? Number.NEGATIVE_INFINITY));
  }
  return [
    {
      name: 'tidegate_certificate_expiry_seconds',
      type: 'gauge',
      help: `Seconds until the newest certificate of a hostname ends, of the ${HOSTNAMES_MAX} hostnames that end the soonest.`,
      samples: soonest(ends).map(([hostname, notAfter]) => ({
        labels: { hostname },
        value: Math.round((notAfter - now) / 1000),
      })),
    },
    {
      name: 'tidegate_certificates',
      type: 'gauge',
      help: 'Certificates by state.',
      samples: samplesOf('state', counts),
    },
    {
      name: 'tidegate_certificate_issuance',
      type: 'gauge',
      help: 'Hostnames by how it stands with their certificate.',
      samples: samplesOf('state', Object.entries(issuance)),
    },
    {
      name: 'tidegate_certificate_orders_total',
      type: 'counter',
      help: 'Orders at certificate authorities, by what became of them.',
      samples: samplesOf('outcome', Object.entries(orders)),
    },
  ];
}

/** Names come into it for a stable order among those that end together. */
function soonest(ends: ReadonlyMap<string, number>): (readonly [string, number])[] {
  const sorted = [...ends].sort(([a, endA], [b, endB]) => endA - endB || (a < b ? -1 : 1));
  return sorted.slice(0, HOSTNAMES_MAX);
}

function samplesOf(label: string, counts: Iterable<readonly [string, number]>): MetricSample[] {
  return Array.from(counts, ([text, value]) => ({ labels: { [label]: text }, value }));
}
