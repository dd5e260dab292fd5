/**
 * Whether a certificate that somebody brings along may come in: clients can use it, and every hostname on it is theirs. A
 * tenant could otherwise break the HTTPS of another with a certificate that nobody trusts.
 */
import type { CertificateCheck } from '#certs/vault/certificate-check';
import type { Scope } from './access.ts';
import type { DomainDirectory } from './domain-port.ts';
import { invalid } from './endpoint.ts';
import type { Fault, Problem } from './problem.ts';

const NO_OWNERS: Pick<DomainDirectory, 'ownerOf'> = { ownerOf: () => null };

/** Null: it may. */
export function importFaults(
  checked: CertificateCheck,
  { tenant, principal }: Scope,
  domains: Pick<DomainDirectory, 'ownerOf'> = NO_OWNERS,
): Problem | null {
  if (!checked.ok) {
    const faults = checked.faults.map(({ code, field, detail }) => {
      return { pointer: `/${field}`, code, detail: `${field}: ${detail}.` };
    });
    return invalid(faults, [...new Set(checked.faults.map(({ fix }) => fix))]);
  }
  const faults: Fault[] = [];
  for (const name of checked.certificate.names) {
    const owner = domains.ownerOf(name);
    // An operator answers for names that nobody has proved to own, such as those of labels.
    if (owner === tenant || (owner === null && principal.operator)) continue;
    const detail = `certificate: ${name} is on it, and is no verified domain of this tenant.`;
    faults.push({ pointer: '/certificate', code: 'not_owned', detail });
  }
  if (faults.length === 0) return null;
  return invalid(faults, ['Add the hostname with POST /v1/domains and verify it, then bring the certificate again.']);
}
