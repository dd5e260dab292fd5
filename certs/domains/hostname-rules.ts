/** Which hostnames a tenant may claim at all. What is refused here is refused with a word on what to do. */
import { getDomain, parse } from 'tldts';
import { parseHostPattern } from '#core/hostname';
import type { DiagnosisCode } from '../dns/diagnosis.ts';

export type ClaimedHostname =
  | { readonly ok: true; readonly hostname: string }
  | { readonly ok: false; readonly code: DiagnosisCode; readonly detail: string; readonly fix: string };

export interface HostnameRules {
  readonly baseDomain: string;
  readonly tenant: string;
}

/** @param text as the tenant wrote it */
export function claimHostname(text: string, { baseDomain, tenant }: HostnameRules): ClaimedHostname {
  const parsed = parseHostPattern(text.replace(/:\d{1,5}$/, ''));
  if (!parsed.ok) {
    const code = parsed.fault === 'not-idna' ? 'domain.not_idna' : 'domain.bad_hostname';
    return {
      ok: false,
      code,
      detail: `${parsed.detail}.`,
      fix: 'Give a hostname such as shop.example.com, or *.example.com.',
    };
  }
  const { hostname } = parsed;
  const name = hostname.replace(/^\*\./, '');
  const isLocal = name === 'localhost' || name.endsWith('.localhost');
  const isUnderBase = name === baseDomain || name.endsWith(`.${baseDomain}`);
  const isOwn = name === `${tenant}.${baseDomain}` || name.endsWith(`.${tenant}.${baseDomain}`);
  if ((isLocal || isUnderBase) && !isOwn) {
    return {
      ok: false,
      code: 'domain.reserved',
      detail: `${hostname} belongs to this installation.`,
      fix: `Apps answer below ${baseDomain} by themselves; claim a hostname of a domain of your own.`,
    };
  }
  const { publicSuffix } = parse(name, { allowPrivateDomains: true });
  if (!isOwn && (getDomain(name, { allowPrivateDomains: true }) === null || publicSuffix === name)) {
    return {
      ok: false,
      code: 'domain.public_suffix',
      detail: `${name} is a public suffix: nobody owns it as a whole.`,
      fix: `Claim a name below it, such as shop.${name}.`,
    };
  }
  return { ok: true, hostname };
}

/** Whether the hostname has no parent that could carry an alias for it: aliases are not allowed at the top of a zone. */
export function isApex(hostname: string): boolean {
  return getDomain(hostname, { allowPrivateDomains: true }) === hostname;
}
