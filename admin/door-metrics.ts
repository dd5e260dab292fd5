/** Metrics of connections before there is a request on them. */
import type { MetricFamily } from './ports.ts';

/** Counters since the start. */
export interface DoorCounts {
  readonly handshakes: number;
  readonly tlsFaults: number;
  readonly unknownNames: number;
  readonly badHellos: number;
  readonly passthroughs: number;
  readonly proxyFaults: number;
}

export function doorMetrics(counts: DoorCounts): MetricFamily[] {
  const counter = (name: string, help: string, value: number): MetricFamily => ({
    name,
    type: 'counter',
    help,
    samples: [{ value }],
  });
  return [
    counter('tidegate_tls_handshakes_total', 'TLS handshakes begun with a certificate.', counts.handshakes),
    counter('tidegate_tls_faults_total', 'TLS connections that broke the rules of TLS.', counts.tlsFaults),
    counter(
      'tidegate_tls_unknown_names_total',
      'Clients that came for a name nothing is served for.',
      counts.unknownNames,
    ),
    counter('tidegate_tls_bad_hellos_total', 'Connections that opened without a ClientHello.', counts.badHellos),
    counter(
      'tidegate_tls_passthroughs_total',
      'Connections that went on to a replica as they came.',
      counts.passthroughs,
    ),
    counter('tidegate_proxy_faults_total', 'Trusted proxies whose PROXY header was no good.', counts.proxyFaults),
  ];
}
