/**
 * Why a domain is not right yet, in a form that a person can act on: what was wanted, what was seen, what to do. Every cause
 * has a code of its own; docs/domains.md explains each.
 */

/** Every code with what it means. */
export const DIAGNOSES = {
  'dns.no_record': 'The hostname has no address record.',
  'dns.wrong_target': 'The hostname points somewhere else.',
  'dns.aaaa_elsewhere': 'The IPv4 address is right, but an IPv6 address points somewhere else.',
  'dns.mixed_families': 'The IPv6 address is right, but an IPv4 address points somewhere else.',
  'dns.cdn_in_front': 'The hostname points at a content delivery network.',
  'dns.not_everywhere': 'Some resolvers see the right records, others do not yet.',
  'dns.caa_forbids': 'A CAA record forbids the certificate authority to issue for the hostname.',
  'dns.servfail': 'The name servers of the domain answer with an error.',
  'dns.dnssec_bogus': 'The records of the domain fail the validation of DNSSEC.',
  'dns.timeout': 'The name servers of the domain, or the resolvers, do not answer.',
  'dns.refused': 'A resolver refuses to answer.',
  'http.port_unreachable': 'Nothing answers on port 80 of an address the hostname resolves to.',
  'http.wrong_answer': 'Something else answers on port 80 of an address the hostname resolves to.',
  'tls.port_unreachable':
    'Nothing that could prove the hostname by TLS-ALPN-01 answers on port 443 of an address it resolves to.',
  'tls.wrong_answer': 'Something else answers on port 443 of an address the hostname resolves to.',
  'ownership.txt_missing': 'The TXT record that proves ownership is not there.',
  'ownership.txt_wrong': 'The TXT record that proves ownership has another value.',
  'ownership.cname_foreign': 'The hostname is an alias that names another tenant or app.',
  'domain.held_by_other': 'Another tenant has verified this hostname, or a name above it.',
  'domain.quarantined': 'The hostname was removed by another tenant a short while ago.',
  'domain.public_suffix': 'The hostname is a public suffix, which nobody can own.',
  'domain.bad_hostname': 'This is no hostname.',
  'domain.not_idna': 'The hostname is not a valid internationalised name.',
  'domain.reserved': 'The hostname belongs to this installation itself.',
} as const satisfies Record<string, string>;

export type DiagnosisCode = keyof typeof DIAGNOSES;

export interface Diagnosis {
  readonly code: DiagnosisCode;
  /** What is so, in words for the tenant. */
  readonly detail: string;
  /** What to do about it. */
  readonly fix: string;
  readonly wanted?: readonly string[];
  readonly seen?: readonly string[];
  /** `ip:port` of the resolver that saw it. */
  readonly resolver?: string;
}
