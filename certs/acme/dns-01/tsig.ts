/**
 * Signatures of DNS messages by a shared secret (TSIG, RFC 8945): ours on what is sent, and the server's on what it answers.
 *
 * Promise: an answer is `good` only when the holder of the secret made it, for this very request and just now.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { TsigAlgorithm } from '#core/dns-provider-url';
import {
  ARCOUNT_AT,
  CLASS,
  type DnsMessage,
  type DnsRecord,
  encodeName,
  encodeRecord,
  readName,
  shorts,
  TYPE,
} from './dns-message.ts';

export interface TsigKey {
  /** Lower case, no trailing dot. */
  readonly name: string;
  readonly algorithm: TsigAlgorithm;
  readonly secret: Buffer;
}

/** How far clocks may be apart (RFC 8945 10), in seconds. */
const FUDGE_S = 300;
const UINT32 = 2 ** 32;

/** RFC 8945 3 and 5.2. */
export const TSIG_ERRORS = { 16: 'BADSIG', 17: 'BADKEY', 18: 'BADTIME', 22: 'BADTRUNC' } as const;
export type TsigError = (typeof TSIG_ERRORS)[keyof typeof TSIG_ERRORS];

export type TsigVerdict =
  | { readonly kind: 'good' }
  /** There is no signature at all. */
  | { readonly kind: 'unsigned' }
  /** The signature is not that of this key over this answer to this request. */
  | { readonly kind: 'forged' }
  /** Rightly signed, but too long ago or in what is the future here. `aheadS`: by how much its clock is ahead of ours. */
  | { readonly kind: 'stale'; readonly aheadS: number }
  /** The server did not take our signature. BADSIG and BADKEY it cannot sign. `aheadS` comes with BADTIME. */
  | { readonly kind: 'refused'; readonly error: TsigError; readonly aheadS: number | null };

interface Tsig {
  readonly algorithm: string;
  /** Seconds since the epoch. */
  readonly time: number;
  readonly fudge: number;
  readonly mac: Buffer;
  readonly originalId: number;
  readonly error: number;
  readonly other: Buffer;
}

/**
 * @param now wall-clock ms
 * @returns the signed message, and its MAC, which the answer is checked against
 */
export function signMessage(
  message: Buffer,
  key: TsigKey,
  now: number,
): { readonly wire: Buffer; readonly mac: Buffer } {
  const tsig = {
    ...{ algorithm: key.algorithm, time: Math.floor(now / 1000), fudge: FUDGE_S, error: 0, other: Buffer.alloc(0) },
    originalId: message.readUInt16BE(0),
  };
  const mac = macOf(key, [message, variables(key.name, tsig)]);
  const record = encodeRecord({
    name: key.name,
    type: TYPE.TSIG,
    class: CLASS.ANY,
    ttl: 0,
    data: encodeTsig({ ...tsig, mac }),
  });
  const wire = Buffer.concat([message, record]);
  wire.writeUInt16BE(wire.readUInt16BE(ARCOUNT_AT) + 1, ARCOUNT_AT);
  return { wire, mac };
}

/**
 * Checks key, MAC and time of an answer, in this order (RFC 8945 5.2).
 * @param now wall-clock ms
 */
export function checkSignature(
  wire: Buffer,
  message: DnsMessage,
  { key, requestMac, now }: { readonly key: TsigKey; readonly requestMac: Buffer; readonly now: number },
): TsigVerdict {
  const { answers, authority, additional } = message;
  const signatures = [...answers, ...authority, ...additional].filter(({ type }) => type === TYPE.TSIG);
  const record = additional.at(-1);
  if (signatures.length === 0) return { kind: 'unsigned' };
  if (signatures.length > 1 || record === undefined || record.type !== TYPE.TSIG) return { kind: 'forged' };
  const tsig = readTsig(wire, record);
  if (tsig === null || record.class !== CLASS.ANY || record.ttl !== 0) return { kind: 'forged' };
  const error = TSIG_ERRORS[tsig.error as keyof typeof TSIG_ERRORS];
  // RFC 8945 5.3.2: it shares no secret with us that it could sign with.
  if (tsig.mac.length === 0) {
    return error === 'BADSIG' || error === 'BADKEY' ? { kind: 'refused', error, aheadS: null } : { kind: 'forged' };
  }
  if (record.name !== key.name || tsig.algorithm !== key.algorithm) return { kind: 'forged' };
  const signed = Buffer.from(wire.subarray(0, record.start));
  signed.writeUInt16BE(tsig.originalId, 0);
  signed.writeUInt16BE(signed.readUInt16BE(ARCOUNT_AT) - 1, ARCOUNT_AT);
  const expected = macOf(key, [shorts(requestMac.length), requestMac, signed, variables(record.name, tsig)]);
  // A shortened MAC is not taken, though it may be: whoever makes the key can leave it whole.
  if (tsig.mac.length !== expected.length || !timingSafeEqual(tsig.mac, expected)) return { kind: 'forged' };
  const nowS = Math.floor(now / 1000);
  if (error === 'BADTIME')
    return { kind: 'refused', error, aheadS: tsig.other.length === 6 ? uint48(tsig.other) - nowS : null };
  if (Math.abs(tsig.time - nowS) > tsig.fudge) return { kind: 'stale', aheadS: tsig.time - nowS };
  if (error !== undefined) return { kind: 'refused', error, aheadS: null };
  return tsig.error === 0 ? { kind: 'good' } : { kind: 'forged' };
}

function macOf(key: TsigKey, parts: readonly Buffer[]): Buffer {
  const hmac = createHmac(key.algorithm.replace('hmac-', ''), key.secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

/** RFC 8945 4.3.3. */
function variables(name: string, { algorithm, time, fudge, error, other }: Omit<Tsig, 'mac' | 'originalId'>): Buffer {
  return Buffer.concat([
    ...[encodeName(name), shorts(CLASS.ANY, 0, 0), encodeName(algorithm)],
    ...[timeBytes(time), shorts(fudge, error, other.length), other],
  ]);
}

/** RFC 8945 4.2. */
function encodeTsig({ algorithm, time, fudge, mac, originalId, error, other }: Tsig): Buffer {
  return Buffer.concat([
    ...[encodeName(algorithm), timeBytes(time), shorts(fudge, mac.length), mac],
    ...[shorts(originalId, error, other.length), other],
  ]);
}

/** Null: its data are not what they have to be. */
function readTsig(wire: Buffer, { dataStart, data }: DnsRecord): Tsig | null {
  try {
    const { name: algorithm, end } = readName(wire, dataStart);
    const rest = data.subarray(end - dataStart);
    const macEnd = 10 + rest.readUInt16BE(8);
    const other = rest.subarray(macEnd + 6);
    if (rest.readUInt16BE(macEnd + 4) !== other.length) return null;
    return {
      ...{ algorithm, time: uint48(rest), fudge: rest.readUInt16BE(6), mac: rest.subarray(10, macEnd) },
      ...{ originalId: rest.readUInt16BE(macEnd), error: rest.readUInt16BE(macEnd + 2), other },
    };
  } catch {
    return null;
  }
}

function timeBytes(seconds: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(seconds, 0, 6);
  return bytes;
}

function uint48(bytes: Buffer): number {
  return bytes.readUInt16BE(0) * UINT32 + bytes.readUInt32BE(2);
}
