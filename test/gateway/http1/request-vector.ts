/**
 * A request head and what must become of it, under the clause it comes from; and short ways to write such heads down.
 */
import type { RequestFault } from '#gateway/http1/request-fault';
import type { RequestHead } from '#gateway/http1/request-head';

export interface RequestVector {
  readonly clause: string;
  readonly name: string;
  readonly head: string;
  /** The fault it is refused for; absent if it is accepted. */
  readonly fault?: RequestFault;
  /** Facts of the accepted head. */
  readonly is?: Partial<RequestHead>;
}

/** A GET for app.test with these further lines. */
export function get(...lines: readonly string[]): string {
  return `GET /p HTTP/1.1\r\nHost: app.test\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}

export function post(...lines: readonly string[]): string {
  return get(...lines).replace('GET', 'POST');
}

/** A GET without further lines for this target. */
export function target(text: string, method = 'GET'): string {
  return `${method} ${text} HTTP/1.1\r\nHost: app.test\r\n\r\n`;
}

export function host(value: string): string {
  return `GET /p HTTP/1.1\r\nHost: ${value}\r\n\r\n`;
}

export function refused(clause: string, fault: RequestFault, cases: Readonly<Record<string, string>>): RequestVector[] {
  return Object.entries(cases).map(([name, head]) => ({ clause, name, head, fault }));
}

export function accepted(
  clause: string,
  cases: Readonly<Record<string, readonly [string, Partial<RequestHead>]>>,
): RequestVector[] {
  return Object.entries(cases).map(([name, [head, is]]) => ({ clause, name, head, is }));
}

/** Octets by name, for tables that go through all of them. */
function octets(from: number, to: number): [string, string][] {
  const list: [string, string][] = [];
  for (let octet = from; octet <= to; octet++) {
    list.push([`0x${octet.toString(16).padStart(2, '0')}`, String.fromCharCode(octet)]);
  }
  return list;
}

export const CONTROLS = [...octets(0, 8), ...octets(11, 12), ...octets(14, 31), ...octets(127, 127)];
export const SEPARATORS = [...'()<>@,;\\"/[]?={}'].map((c): [string, string] => [c, c]);
export const EIGHT_BIT = octets(128, 255).filter((_, i) => i % 9 === 0);
