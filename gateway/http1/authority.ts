/**
 * `uri-host [ ":" port ]` as it stands in Host, `:authority` and absolute-form targets. Accepts what can name a server
 * here (a DNS-like name, an IPv4 address, a bracketed IPv6 address) and nothing that two parsers could split differently:
 * no userinfo, no escapes, no sub-delims, no empty labels, no empty port.
 */
import { isIPv6 } from 'node:net';
import { COLON, DOT, IPV6, REG_NAME, ZERO } from './octets.ts';

/** RFC 1035 3.1, without the root label. */
const HOSTNAME_MAX_BYTES = 253;
const PORT_MAX = 65_535;
const OPEN = 91;
const CLOSE = 93;

/** Result of a reading, reused: offsets into the octets that were read. */
export class Authority {
  /** End of the hostname: before a trailing dot, before the port, after the bracket of an IPv6 literal. */
  hostnameEnd = 0;
  /** Port as given, 0 if none. */
  port = 0;
  /** Whether the hostname holds capitals. */
  capitals = false;

  /** Reads `b[from, to)`; false if it is no acceptable authority. */
  read(b: Buffer, from: number, to: number): boolean {
    this.capitals = false;
    this.port = 0;
    const end = b[from] === OPEN ? this.#literal(b, from, to) : this.#name(b, from, to);
    if (end < 0) return false;
    return end === to || (b[end] === COLON && this.#readPort(b, end + 1, to));
  }

  /** The hostname, normalised; `text` holds the octets from offset `base` on. */
  hostname(text: string, from: number, base: number): string {
    const hostname = text.slice(from - base, this.hostnameEnd - base);
    return this.capitals ? hostname.toLowerCase() : hostname;
  }

  #name(b: Buffer, from: number, to: number): number {
    let i = from;
    let label = from;
    while (i < to) {
      const octet = b[i] as number;
      if (REG_NAME[octet] !== 1) break;
      if (octet === DOT) {
        if (i === label) return -1;
        label = i + 1;
      } else if (octet >= 65 && octet <= 90) this.capitals = true;
      i++;
    }
    // A trailing dot leaves an empty last label: the same name, absolute (RFC 3986 3.2.2).
    this.hostnameEnd = label === i ? i - 1 : i;
    const length = this.hostnameEnd - from;
    return length > 0 && length <= HOSTNAME_MAX_BYTES ? i : -1;
  }

  #literal(b: Buffer, from: number, to: number): number {
    let i = from + 1;
    while (i < to && IPV6[b[i] as number] === 1) i++;
    if (i >= to || b[i] !== CLOSE || !isIPv6(b.toString('latin1', from + 1, i))) return -1;
    this.capitals = true;
    this.hostnameEnd = i + 1;
    return i + 1;
  }

  #readPort(b: Buffer, from: number, to: number): boolean {
    if (to - from < 1 || to - from > 5) return false;
    let port = 0;
    for (let i = from; i < to; i++) {
      const digit = (b[i] as number) - ZERO;
      if (digit < 0 || digit > 9) return false;
      port = port * 10 + digit;
    }
    this.port = port;
    return port >= 1 && port <= PORT_MAX;
  }
}
