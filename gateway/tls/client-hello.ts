/**
 * Reads what a TLS client says first (RFC 8446 4.1.2, RFC 5246 7.4.1.2): for whom it comes and what it wants to speak.
 * Strict where the gateway decides by it, and bounded; everything else in it is the TLS implementation's business.
 */
import { hostnameOfAuthority } from '#core/hostname';

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const MAJOR_VERSION = 3;
const RECORD_HEADER_BYTES = 5;
const MESSAGE_HEADER_BYTES = 4;
const RECORD_MAX_BYTES = 16_384;
/** The longest one served. With post-quantum key shares and a ticket they come to some 2 KiB. */
const HELLO_MAX_BYTES = 16_384;
/** Records around it, however small it was cut. */
const WIRE_MAX_BYTES = 20_480;

const EXTENSION = { serverName: 0, alpn: 16 } as const;
const HOST_NAME = 0;

/** `plain`: no TLS. `fault`: TLS, but no ClientHello by the rules. */
export type HelloOutcome = 'complete' | 'incomplete' | 'plain' | 'fault';

/** The facts of one ClientHello; reused. */
export class ClientHello {
  /** Normalised; '' when there is none, null when it is no hostname. */
  servername: string | null = '';
  /** The client names protocols (RFC 7301). */
  hasAlpn = false;
  h2 = false;
  http1 = false;
  /** TLS-ALPN-01 (RFC 8737): a certificate authority wants to see a challenge. */
  acme = false;

  /** Reads `b[at, end)`, which starts with all octets the client has sent. */
  read(b: Buffer, at: number, end: number): HelloOutcome {
    if (at === end) return 'incomplete';
    if (b[at] !== HANDSHAKE_RECORD) return 'plain';
    const first = recordBytes(b, at, end);
    if (first < 0) return 'fault';
    const start = at + RECORD_HEADER_BYTES;
    if (first === 0 || end - start < MESSAGE_HEADER_BYTES || first < MESSAGE_HEADER_BYTES) {
      return first !== 0 && end - start >= 1 && b[start] !== CLIENT_HELLO ? 'fault' : this.#gather(b, at, end);
    }
    if (b[start] !== CLIENT_HELLO) return 'fault';
    const length = messageBytes(b, start);
    if (length > HELLO_MAX_BYTES) return 'fault';
    if (length <= first) return start + length > end ? 'incomplete' : this.#readMessage(b, start, start + length);
    return this.#gather(b, at, end);
  }

  /** Reads a message that was cut into several records. */
  #gather(b: Buffer, at: number, end: number): HelloOutcome {
    const parts: Buffer[] = [];
    let gathered = 0;
    let from = at;
    while (from < end) {
      const bytes = recordBytes(b, from, end);
      if (bytes < 0) return 'fault';
      if (bytes === 0) break;
      const start = from + RECORD_HEADER_BYTES;
      if (start + bytes > end) break;
      parts.push(b.subarray(start, start + bytes));
      gathered += bytes;
      from = start + bytes;
      if (gathered < MESSAGE_HEADER_BYTES) continue;
      const message = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
      if (message[0] !== CLIENT_HELLO) return 'fault';
      const length = messageBytes(message, 0);
      if (length > HELLO_MAX_BYTES) return 'fault';
      if (length <= gathered) return this.#readMessage(message, 0, length);
    }
    return end - at > WIRE_MAX_BYTES ? 'fault' : 'incomplete';
  }

  #readMessage(b: Buffer, start: number, end: number): HelloOutcome {
    this.servername = '';
    this.hasAlpn = false;
    this.h2 = false;
    this.http1 = false;
    this.acme = false;
    // Version and random.
    let at = start + MESSAGE_HEADER_BYTES + 2 + 32;
    if (at >= end || b[start + MESSAGE_HEADER_BYTES] !== MAJOR_VERSION) return 'fault';
    const sessionId = b[at] as number;
    at += 1 + sessionId;
    if (sessionId > 32 || at + 2 > end) return 'fault';
    const suites = b.readUInt16BE(at);
    at += 2 + suites;
    if (suites < 2 || suites % 2 !== 0 || at + 1 > end) return 'fault';
    const compressions = b[at] as number;
    at += 1 + compressions;
    if (compressions < 1 || at > end) return 'fault';
    // A client of old without extensions.
    if (at === end) return 'complete';
    if (at + 2 > end || at + 2 + b.readUInt16BE(at) !== end) return 'fault';
    return this.#readExtensions(b, at + 2, end) ? 'complete' : 'fault';
  }

  #readExtensions(b: Buffer, start: number, end: number): boolean {
    let named = false;
    let at = start;
    while (at < end) {
      if (at + 4 > end) return false;
      const type = b.readUInt16BE(at);
      const from = at + 4;
      at = from + b.readUInt16BE(at + 2);
      if (at > end) return false;
      if (type === EXTENSION.serverName) {
        if (named || !this.#readServerName(b, from, at)) return false;
        named = true;
      } else if (type === EXTENSION.alpn && (this.hasAlpn || !this.#readProtocols(b, from, at))) return false;
    }
    return true;
  }

  /** RFC 6066 3: a list, which holds one name of the one type there is. */
  #readServerName(b: Buffer, at: number, end: number): boolean {
    if (at + 5 > end || at + 2 + b.readUInt16BE(at) !== end || b[at + 2] !== HOST_NAME) return false;
    const length = b.readUInt16BE(at + 3);
    if (length === 0 || at + 5 + length !== end) return false;
    const name = b.toString('latin1', at + 5, end);
    this.servername = name.includes(':') ? null : hostnameOfAuthority(name);
    return true;
  }

  #readProtocols(b: Buffer, start: number, end: number): boolean {
    if (start + 2 > end || start + 2 + b.readUInt16BE(start) !== end || start + 2 === end) return false;
    this.hasAlpn = true;
    let at = start + 2;
    while (at < end) {
      const length = b[at] as number;
      at++;
      if (length === 0 || at + length > end) return false;
      if (length === 2 && is(b, at, 'h2')) this.h2 = true;
      else if (length === 8 && is(b, at, 'http/1.1')) this.http1 = true;
      else if (length === 10 && is(b, at, 'acme-tls/1')) this.acme = true;
      at += length;
    }
    return true;
  }
}

/** What a record holds; 0: that is not known yet, below 0: it is none that may come here. */
function recordBytes(b: Buffer, at: number, end: number): number {
  if (b[at] !== HANDSHAKE_RECORD || (at + 1 < end && b[at + 1] !== MAJOR_VERSION)) return -1;
  if (at + RECORD_HEADER_BYTES > end) return 0;
  const bytes = b.readUInt16BE(at + 3);
  return bytes === 0 || bytes > RECORD_MAX_BYTES ? -1 : bytes;
}

/** Of a whole handshake message, its header included. */
function messageBytes(b: Buffer, at: number): number {
  return MESSAGE_HEADER_BYTES + b.readUIntBE(at + 1, 3);
}

function is(b: Buffer, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (b[at + i] !== text.charCodeAt(i)) return false;
  return true;
}
