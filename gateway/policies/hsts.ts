/**
 * The value of Strict-Transport-Security (RFC 6797 6.1), which says that a hostname is to be asked over TLS alone.
 */
import type { HstsPolicy } from '#core/edge-policy';

export const HSTS = 'Strict-Transport-Security';
export const HSTS_FIELDS: ReadonlySet<string> = new Set(['strict-transport-security']);

export function hstsValue(policy: HstsPolicy): string {
  const { maxAgeS, subdomains, preload } = policy;
  return `max-age=${maxAgeS}${subdomains ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}`;
}
