/** What a look has changed, as events of the tenant. */
import type { EventSink } from '#core/event';
import type { DomainRecord } from './domain-record.ts';

export function tellChange(emit: EventSink, before: DomainRecord, after: DomainRecord): void {
  const { tenant, app, set, hostname, ownership, dns } = after;
  const about = { tenant, app, set, data: { hostname } };
  if (ownership.state !== before.ownership.state) {
    if (ownership.state === 'verified') emit({ type: 'domain.verified', ...about, cause: `by ${ownership.method}` });
    if (ownership.state === 'lapsed') {
      emit({ type: 'domain.lapsed', ...about, cause: ownership.diagnosis[0]?.detail ?? 'the proof is gone' });
    }
  }
  if (dns.state === before.dns.state) return;
  if (dns.state === 'ok') emit({ type: 'domain.dns_ok', ...about, cause: 'it points here' });
  else if (dns.state === 'wrong') {
    emit({ type: 'domain.dns_wrong', ...about, cause: dns.diagnosis[0]?.detail ?? 'it does not point here' });
  }
}
