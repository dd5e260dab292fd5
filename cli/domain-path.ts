/** Paths of domains in the API. */
import { parseHostPattern } from '#core/hostname';

export const DOMAINS = '/v1/domains';

/** Of an id, or of a hostname however it is written. */
export function domainPath(which: string): string {
  const parsed = parseHostPattern(which);
  const name = which.startsWith('dom_') || !parsed.ok ? which : parsed.hostname;
  return `${DOMAINS}/${encodeURIComponent(name)}`;
}
