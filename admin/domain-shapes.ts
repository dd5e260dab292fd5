/** Domains as the API shows them. */
import { z } from '@hono/zod-openapi';
import type { IssuanceView } from '#certs/acme/issuance-record';
import type { Diagnosis } from '#certs/dns/diagnosis';
import type { DomainFindings } from '#certs/domains/domain-answers';
import type { DomainView } from '#certs/domains/domain-view';
import { timeOf } from './time.ts';

const texts = z.array(z.string());
const time = z.string().nullable().openapi({ format: 'date-time' });
const name = z.string().openapi({ example: 'shop' });

export const DiagnosisShape = z
  .object({
    code: z.string().openapi({ example: 'dns.wrong_target' }),
    detail: z.string(),
    fix: z.string(),
    wanted: texts.optional(),
    seen: texts.optional(),
    resolver: z.string().optional(),
  })
  .openapi('Diagnosis');

export const IssuanceShape = z
  .object({
    state: z.string().openapi({ example: 'valid' }),
    id: z.string().nullable().openapi({ description: 'Of the certificate that is served; null: none yet.' }),
    last_error: z
      .object({
        type: z.string(),
        detail: z.string().openapi({ description: "The authority's own words." }),
        at: z.string().openapi({ format: 'date-time' }),
      })
      .nullable(),
    next_attempt_at: time,
    attempts: z.number().int(),
  })
  .openapi('Issuance');

export const DomainShape = z
  .object({
    id: z.string().openapi({ example: 'dom_01JZZZZZZZZZZZZZZZZZZZZZZZ' }),
    hostname: z.string().openapi({ example: 'shop.acme.com' }),
    app: name,
    set: name.nullable().openapi({ description: 'Null: the main set of the app.' }),
    path: z.string(),
    status: z.string().openapi({
      description: '`pending_ownership`, `pending_dns`, `pending_certificate`, `active`, `degraded` or `conflict`.',
    }),
    records: z
      .array(
        z.object({
          type: z.string().openapi({ example: 'TXT' }),
          name: z.string().openapi({ example: '_tidegate.shop.acme.com' }),
          value: z.string(),
          purpose: z.string().openapi({ example: 'ownership' }),
          state: z.string().openapi({ example: 'missing' }),
          seen: texts,
        }),
      )
      .openapi({ description: 'What to set in DNS.' }),
    conditions: z.array(
      z.object({
        type: z.string().openapi({ example: 'Ownership' }),
        status: z.enum(['True', 'False', 'Unknown']),
        reason: z.string(),
        message: z.string(),
      }),
    ),
    certificate: IssuanceShape,
    diagnosis: z.array(DiagnosisShape),
    created_at: z.string().openapi({ format: 'date-time' }),
    checked_at: time,
    next_check_at: time,
  })
  .openapi('Domain');

export const FindingsShape = z
  .object({
    hostname: z.string(),
    diagnosis: z.array(DiagnosisShape).openapi({ description: 'Empty: all is well.' }),
    records: z
      .array(
        z.object({
          resolver: z.string(),
          type: z.string(),
          name: z.string(),
          wanted: texts,
          seen: texts,
          fault: z.string().nullable().openapi({ description: 'Why the resolver gave no answer; null: it gave one.' }),
        }),
      )
      .openapi({ description: 'What each resolver says.' }),
  })
  .openapi('DomainFindings');

export type DomainJson = z.input<typeof DomainShape>;
export type IssuanceJson = z.input<typeof IssuanceShape>;

export function domainJson(domain: DomainView): DomainJson {
  return {
    id: domain.id,
    hostname: domain.hostname,
    app: domain.app,
    set: domain.set,
    path: domain.path,
    status: domain.status,
    records: domain.records.map(({ type, name, value, purpose, state, seen }) => {
      return { type, name, value, purpose, state, seen: [...seen] };
    }),
    conditions: domain.conditions.map(({ type, status, reason, message }) => ({ type, status, reason, message })),
    certificate: issuanceJson(domain.certificate),
    diagnosis: domain.diagnosis.map(diagnosisJson),
    created_at: timeOf(domain.createdAt),
    checked_at: timeOf(domain.checkedAt),
    next_check_at: timeOf(domain.nextCheckAt),
  };
}

export function issuanceJson({ state, certificateId, lastError, nextAttemptAt, attempts }: IssuanceView): IssuanceJson {
  return {
    state,
    id: certificateId,
    last_error:
      lastError === null ? null : { type: lastError.type, detail: lastError.detail, at: timeOf(lastError.at) },
    next_attempt_at: timeOf(nextAttemptAt),
    attempts,
  };
}

export function findingsJson({ hostname, diagnosis, records }: DomainFindings): z.input<typeof FindingsShape> {
  return {
    hostname,
    diagnosis: diagnosis.map(diagnosisJson),
    records: records.map(({ resolver, type, name, wanted, seen, fault }) => {
      return { resolver, type, name, wanted: [...wanted], seen: [...seen], fault };
    }),
  };
}

function diagnosisJson({ code, detail, fix, wanted, seen, resolver }: Diagnosis): z.input<typeof DiagnosisShape> {
  return {
    code,
    detail,
    fix,
    ...(wanted === undefined ? {} : { wanted: [...wanted] }),
    ...(seen === undefined ? {} : { seen: [...seen] }),
    ...(resolver === undefined ? {} : { resolver }),
  };
}
