/** A domain as its tenant sees it: records to set, three conditions, and one word for how it stands. */
import type { IssuanceView } from '../acme/issuance-record.ts';
import type { Diagnosis } from '../dns/diagnosis.ts';
import type { DomainRecord } from './domain-record.ts';
import { isApex } from './hostname-rules.ts';
import { aliasTarget, proofName, TXT_VALUE_PREFIX } from './ownership.ts';

export const DOMAIN_STATUSES = [
  'pending_ownership',
  'conflict',
  'pending_dns',
  'pending_certificate',
  'active',
  'degraded',
] as const;
export type DomainStatus = (typeof DOMAIN_STATUSES)[number];

export interface RecordToSet {
  readonly type: 'TXT' | 'CNAME' | 'A' | 'AAAA';
  readonly name: string;
  readonly value: string;
  readonly purpose: 'ownership' | 'traffic';
  readonly state: 'ok' | 'missing' | 'wrong';
  readonly seen: readonly string[];
}

export interface DomainCondition {
  readonly type: 'Ownership' | 'Dns' | 'Certificate';
  readonly status: 'True' | 'False' | 'Unknown';
  /** In one word, for programs. */
  readonly reason: string;
  readonly message: string;
}

export interface DomainView
  extends Pick<DomainRecord, 'id' | 'hostname' | 'app' | 'set' | 'path' | 'createdAt' | 'checkedAt'> {
  readonly status: DomainStatus;
  readonly records: readonly RecordToSet[];
  readonly conditions: readonly DomainCondition[];
  readonly certificate: IssuanceView;
  readonly diagnosis: readonly Diagnosis[];
  /** Unix ms. */
  readonly nextCheckAt: number | null;
}

export interface ViewFacts {
  readonly edge: string;
  /** Addresses that records may hold. */
  readonly addresses: readonly string[];
  readonly certificate: IssuanceView;
  /** Another tenant has proved the hostname, or one above it. */
  readonly isHeld: boolean;
}

export function viewOf(record: DomainRecord, facts: ViewFacts): DomainView {
  const { id, hostname, app, set, path, createdAt, checkedAt, nextCheckAt, ownership, dns } = record;
  const { certificate } = facts;
  const held: Diagnosis = {
    code: 'domain.held_by_other',
    detail: `Another tenant has verified ${hostname}, or a name above it.`,
    fix: 'If the domain is yours, set the TXT record: proof moves it to you.',
  };
  const isContested = facts.isHeld && ownership.state === 'pending';
  const diagnosis = [...(isContested ? [held] : []), ...ownership.diagnosis, ...dns.diagnosis];
  return {
    ...{ id, hostname, app, set, path, createdAt, checkedAt, nextCheckAt, certificate, diagnosis },
    status: statusOf(record, facts),
    records: recordsOf(record, facts),
    conditions: [ownershipCondition(record), dnsCondition(record), certificateCondition(certificate)],
  };
}

function statusOf({ ownership, dns }: DomainRecord, { certificate, isHeld }: ViewFacts): DomainStatus {
  const isServed = certificate.certificateId !== null && certificate.state !== 'expired';
  if (ownership.state === 'pending') return isHeld ? 'conflict' : 'pending_ownership';
  if (ownership.state === 'lapsed') return 'degraded';
  if (dns.state !== 'ok') return isServed ? 'degraded' : 'pending_dns';
  if (!isServed) return 'pending_certificate';
  return certificate.state === 'failed' || ownership.failingSince !== null ? 'degraded' : 'active';
}

function recordsOf(record: DomainRecord, { edge, addresses }: ViewFacts): RecordToSet[] {
  const { hostname, ownership, dns, proof } = record;
  const value = `${TXT_VALUE_PREFIX}${proof}`;
  const records: RecordToSet[] = [
    {
      ...{ type: 'TXT', name: proofName(hostname), value, purpose: 'ownership' },
      state: ownership.seen.includes(value) ? 'ok' : ownership.seen.length > 0 ? 'wrong' : 'missing',
      seen: ownership.seen,
    },
  ];
  const seenOf = (types: readonly string[]): string[] => [
    ...new Set(dns.seen.filter(({ type }) => types.includes(type)).flatMap(({ values }) => values)),
  ];
  const stateOf = (seen: readonly string[]): RecordToSet['state'] =>
    dns.state === 'ok' ? 'ok' : seen.length > 0 ? 'wrong' : 'missing';
  if (!isApex(hostname)) {
    const seen = seenOf(['CNAME', 'A', 'AAAA']);
    const target = aliasTarget(record, edge);
    records.push({ type: 'CNAME', name: hostname, value: target, purpose: 'traffic', state: stateOf(seen), seen });
    return records;
  }
  // An alias cannot stand at the top of a zone.
  for (const type of ['A', 'AAAA'] as const) {
    const seen = seenOf([type]);
    const ours = addresses.filter((address) => address.includes(':') === (type === 'AAAA'));
    for (const address of ours) {
      records.push({ type, name: hostname, value: address, purpose: 'traffic', state: stateOf(seen), seen });
    }
  }
  return records;
}

function ownershipCondition({ ownership, hostname }: DomainRecord): DomainCondition {
  const type = 'Ownership';
  const { state, method, diagnosis, failingSince } = ownership;
  if (state === 'verified' && failingSince === null) {
    const words = { txt: 'by its TXT record', cname: 'by its alias', parent: 'with the name above it' };
    const message = `${hostname} was proved ${words[method ?? 'txt']}.`;
    return { type, status: 'True', reason: 'Proved', message };
  }
  if (state === 'verified') {
    return {
      type,
      status: 'True',
      reason: 'ProofMissing',
      message: `${diagnosis[0]?.detail ?? 'The proof is gone.'} It lapses 72 hours after it was first missed.`,
    };
  }
  const reason = state === 'lapsed' ? 'Lapsed' : 'NotProved';
  return { type, status: 'False', reason, message: diagnosis[0]?.fix ?? 'It has not been looked at yet.' };
}

function dnsCondition({ dns, hostname }: DomainRecord): DomainCondition {
  const type = 'Dns';
  const [first] = dns.diagnosis;
  if (dns.state === 'ok') return { type, status: 'True', reason: 'PointsHere', message: `${hostname} points here.` };
  if (dns.state === 'unknown') {
    return { type, status: 'Unknown', reason: 'NotSeen', message: first?.detail ?? 'It has not been looked at yet.' };
  }
  return {
    type,
    status: 'False',
    reason: 'PointsElsewhere',
    message: first?.detail ?? `${hostname} does not point here.`,
  };
}

function certificateCondition({ state, lastError, certificateId }: IssuanceView): DomainCondition {
  const type = 'Certificate';
  const isServed = certificateId !== null && state !== 'expired';
  const reason = state.replace(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase());
  const message =
    lastError === null ? (isServed ? 'A certificate is served.' : 'There is none yet.') : lastError.detail;
  return { type, status: isServed ? 'True' : 'False', reason, message };
}
