/**
 * The Connection field (RFC 9110 7.6.1): a list of options, some of which name other fields of the same head that end
 * here. An option that names a field which must reach the other side makes the message ambiguous and is refused.
 */
import { isToken, trimSpace } from './octets.ts';

/** More options than this is an attack, not a browser. */
const NOMINATED_MAX = 32;

/** Fields no peer may have removed: they carry framing, routing or an expectation of the message itself. */
const PROTECTED: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'content-encoding',
  'content-type',
  'content-range',
  'expect',
  'max-forwards',
]);

/**
 * Fields that are dropped or written by this layer whatever the option says. A client that names X-Forwarded-For must
 * not have the one removed that the gateway adds.
 */
const HANDLED: ReadonlySet<string> = new Set([
  'te',
  'http2-settings',
  'proxy-connection',
  'forwarded',
  'x-real-ip',
  'x-request-id',
]);

/** What all Connection lines of one head say; reused. */
export class ConnectionOptions {
  close = false;
  keepAlive = false;
  upgrade = false;
  /** Lower-case names of further fields to be removed; null if none, which is the rule. */
  nominated: string[] | null = null;
  fault: 'connection-option' | 'connection-protected' = 'connection-option';

  reset(): void {
    this.close = false;
    this.keepAlive = false;
    this.upgrade = false;
    this.nominated = null;
  }

  /** Reads one line's value; false if it is malformed or names what must stay (see `fault`). */
  read(value: string): boolean {
    // What nearly every client sends, without taking lists apart.
    if (value === 'keep-alive') {
      this.keepAlive = true;
      return true;
    }
    if (value === 'close') {
      this.close = true;
      return true;
    }
    for (const element of value.toLowerCase().split(',')) {
      const option = trimSpace(element);
      // Empty list elements are to be ignored, RFC 9110 5.6.1.2.
      if (option === '') continue;
      if (option === 'close') this.close = true;
      else if (option === 'keep-alive') this.keepAlive = true;
      else if (option === 'upgrade') this.upgrade = true;
      else if (!this.#nominate(option)) return false;
    }
    return true;
  }

  #nominate(option: string): boolean {
    this.fault = 'connection-option';
    if (!isToken(option)) return false;
    if (PROTECTED.has(option.replaceAll('_', '-'))) {
      this.fault = 'connection-protected';
      return false;
    }
    if (HANDLED.has(option) || option.startsWith('x-forwarded-')) return true;
    this.nominated ??= [];
    return this.nominated.push(option) <= NOMINATED_MAX;
  }
}
