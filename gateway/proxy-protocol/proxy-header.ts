/**
 * Reads the PROXY protocol header, versions 1 and 2 (haproxy.org/download/3.0/doc/proxy-protocol.txt), which a load
 * balancer writes before everything else to say who the client is. Strict: what is not exactly by the rules is a fault,
 * as whoever may write it is trusted with names.
 */
import { isIPv4, isIPv6 } from 'node:net';

const V1_SIGNATURE = Buffer.from('PROXY ', 'latin1');
const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** 2.1: the longest line there is, with its end. */
const V1_MAX_BYTES = 107;
const V2_FIXED_BYTES = 16;
/** What may follow the fixed part: addresses and TLVs. */
const V2_REST_MAX_BYTES = 16_384;

const VERSION_2 = 2;
const COMMAND = { local: 0, proxy: 1 } as const;
const FAMILY = { unspecified: 0, inet: 1, inet6: 2, unix: 3 } as const;
const PROTOCOL_MAX = 2;
/** Octets of the addresses by family. */
const ADDRESS_BYTES: readonly number[] = [0, 12, 36, 216];

const CR = 13;
const LF = 10;

/** `none`: the connection opens with something else. */
export type ProxyOutcome = 'complete' | 'incomplete' | 'none' | 'fault';

/** The facts of one header; reused. */
export class ProxyHeader {
  /** Of the client; null: the proxy speaks for itself, or does not know. */
  address: string | null = null;
  /** The port the client connected to; 0: not told. */
  port = 0;
  /** Where the header ends and the connection proper starts. */
  end = 0;

  /** Reads `b[at, end)`, which starts with all octets that were sent. */
  read(b: Buffer, at: number, end: number): ProxyOutcome {
    this.address = null;
    this.port = 0;
    this.end = at;
    const v2 = compare(b, at, end, V2_SIGNATURE);
    if (v2 === 'equal') return this.#readV2(b, at, end);
    const v1 = compare(b, at, end, V1_SIGNATURE);
    if (v1 === 'equal') return this.#readV1(b, at, end);
    return v1 === 'different' && v2 === 'different' ? 'none' : 'incomplete';
  }

  #readV1(b: Buffer, at: number, end: number): ProxyOutcome {
    const limit = Math.min(end, at + V1_MAX_BYTES);
    const lf = b.subarray(at, limit).indexOf(LF);
    if (lf < 0) return limit - at === V1_MAX_BYTES ? 'fault' : 'incomplete';
    if (b[at + lf - 1] !== CR) return 'fault';
    const line = b.toString('latin1', at, at + lf - 1);
    this.end = at + lf + 1;
    // What a proxy that does not know adds behind UNKNOWN is to be ignored (2.1).
    if (line === 'PROXY UNKNOWN' || line.startsWith('PROXY UNKNOWN ')) return 'complete';
    const [, family = '', source = '', destination = '', sourcePort = '', port = '', ...more] = line.split(' ');
    if (more.length > 0) return 'fault';
    const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isPlainIPv6 : null;
    if (isAddress === null || !isAddress(source) || !isAddress(destination)) return 'fault';
    if (!isPort(sourcePort) || !isPort(port)) return 'fault';
    this.address = source;
    this.port = Number(port);
    return 'complete';
  }

  #readV2(b: Buffer, at: number, end: number): ProxyOutcome {
    if (end - at < V2_FIXED_BYTES) {
      return end - at > 12 && (b[at + 12] as number) >> 4 !== VERSION_2 ? 'fault' : 'incomplete';
    }
    const versionCommand = b[at + 12] as number;
    const familyProtocol = b[at + 13] as number;
    const family = familyProtocol >> 4;
    const length = b.readUInt16BE(at + 14);
    const command = versionCommand & 15;
    if (versionCommand >> 4 !== VERSION_2 || command > COMMAND.proxy || length > V2_REST_MAX_BYTES) return 'fault';
    if (family > FAMILY.unix || (familyProtocol & 15) > PROTOCOL_MAX) return 'fault';
    const start = at + V2_FIXED_BYTES;
    this.end = start + length;
    // 2.2: of what a health check of the proxy itself carries nothing counts.
    const isTold = command === COMMAND.proxy && family !== FAMILY.unspecified;
    const addressBytes = isTold ? (ADDRESS_BYTES[family] as number) : 0;
    if (length < addressBytes) return 'fault';
    if (end < this.end) return 'incomplete';
    if (!isTold) return 'complete';
    if (!areTlvs(b, start + addressBytes, this.end)) return 'fault';
    if (family === FAMILY.inet) {
      this.address = `${b[start]}.${b[start + 1]}.${b[start + 2]}.${b[start + 3]}`;
      this.port = b.readUInt16BE(start + 10);
    } else if (family === FAMILY.inet6) {
      this.address = ipv6(b, start);
      this.port = b.readUInt16BE(start + 34);
    }
    return 'complete';
  }
}

function compare(b: Buffer, at: number, end: number, signature: Buffer): 'equal' | 'different' | 'starts' {
  const length = Math.min(end - at, signature.length);
  for (let i = 0; i < length; i++) if (b[at + i] !== signature[i]) return 'different';
  return length === signature.length ? 'equal' : 'starts';
}

/** Type, length, value one after the other, to the last octet (2.2.). Their meaning is not needed. */
function areTlvs(b: Buffer, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    if (at + 3 > end) return false;
    at += 3 + b.readUInt16BE(at + 1);
  }
  return at === end;
}

/** Without a zone: a client's address means the same everywhere. */
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

/** An address as Node writes it, so that equal ones compare equal. */
function ipv6(b: Buffer, at: number): string {
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(b.readUInt16BE(at + i).toString(16));
  const mapped = groups.slice(0, 5).every((group) => group === '0') && groups[5] === 'ffff';
  if (mapped) return `${b[at + 12]}.${b[at + 13]}.${b[at + 14]}.${b[at + 15]}`;
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
