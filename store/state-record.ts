/**
 * One line of an exported state: what it holds, as JSON that both stores understand. A line that is not one of these is
 * refused where it is read, before anything of it is written.
 */
import type { Event } from '#core/event';
import type { SetKey } from '#core/set';
import { type CertificateRow, type ScaleRecord, SLEEP_TIERS, type SleepNote, type TokenRecord } from './store.ts';

/** In the order in which they are exported. */
export const RECORD_TYPES = ['scale', 'sleeping', 'event', 'token', 'document', 'certificate'] as const;
export type RecordType = (typeof RECORD_TYPES)[number];
export type StateCounts = Readonly<Record<RecordType, number>>;

export type StateRecord =
  | { readonly type: 'scale'; readonly set: SetKey; readonly scale: ScaleRecord }
  | { readonly type: 'sleeping'; readonly replica: string; readonly note: SleepNote }
  | { readonly type: 'event'; readonly event: Event }
  | { readonly type: 'token'; readonly token: TokenRecord }
  | { readonly type: 'document'; readonly kind: string; readonly id: string; readonly body: unknown }
  | { readonly type: 'certificate'; readonly row: CertificateRow };

const SHA256_BYTES = 32;

export function noCounts(): Record<RecordType, number> {
  return { scale: 0, sleeping: 0, event: 0, token: 0, document: 0, certificate: 0 };
}

/** One line, without its end. */
export function encodeRecord(record: StateRecord): string {
  if (record.type === 'token') {
    return JSON.stringify({ ...record, token: { ...record.token, sha256: base64(record.token.sha256) } });
  }
  if (record.type === 'certificate') {
    return JSON.stringify({ ...record, row: { ...record.row, sealedKey: base64(record.row.sealedKey) } });
  }
  return JSON.stringify(record);
}

/** Null: it is none of ours. @param said what JSON said */
export function decodeRecord(said: Fields): StateRecord | null {
  switch (said.type) {
    case 'scale':
      return typeof said.set === 'string' && isScale(said.scale) ? (said as unknown as StateRecord) : null;
    case 'sleeping':
      return typeof said.replica === 'string' && isNote(said.note) ? (said as unknown as StateRecord) : null;
    case 'event':
      return hasTexts(said.event, 'id', 'at', 'type') ? (said as unknown as StateRecord) : null;
    case 'token':
      return tokenRecord(said.token);
    case 'document':
      return hasTexts(said, 'kind', 'id') && 'body' in said ? (said as unknown as StateRecord) : null;
    case 'certificate':
      return certificateRecord(said.row);
    default:
      return null;
  }
}

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isScale(value: unknown): boolean {
  return (
    hasTexts(value, 'by') &&
    hasIntegers(value, 'at') &&
    ['min', 'max', 'replicas'].every((name) => value[name] === null || Number.isSafeInteger(value[name]))
  );
}

function isNote(value: unknown): boolean {
  return (
    hasIntegers(value, 'at') &&
    typeof value.direct === 'boolean' &&
    (SLEEP_TIERS as readonly unknown[]).includes(value.tier)
  );
}

function tokenRecord(value: unknown): StateRecord | null {
  if (!hasTexts(value, 'id', 'sha256') || !hasIntegers(value, 'createdAt') || value.kind !== 'op') return null;
  const sha256 = Buffer.from(String(value.sha256), 'base64');
  if (sha256.length !== SHA256_BYTES) return null;
  return { type: 'token', token: { ...(value as unknown as TokenRecord), sha256 } };
}

function certificateRecord(value: unknown): StateRecord | null {
  if (!hasTexts(value, 'id', 'chain', 'sealedKey') || !hasIntegers(value, 'notBefore', 'notAfter', 'createdAt')) {
    return null;
  }
  const { tenant, names } = value;
  if (tenant !== null && typeof tenant !== 'string') return null;
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string') || !('body' in value)) return null;
  const sealedKey = Buffer.from(String(value.sealedKey), 'base64');
  return { type: 'certificate', row: { ...(value as unknown as CertificateRow), sealedKey } };
}

function hasTexts(value: unknown, ...names: readonly string[]): value is Fields {
  return isFields(value) && names.every((name) => typeof value[name] === 'string');
}

function hasIntegers(value: unknown, ...names: readonly string[]): value is Fields {
  return isFields(value) && names.every((name) => Number.isSafeInteger(value[name]));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
