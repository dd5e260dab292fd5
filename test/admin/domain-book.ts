/** A keeper of domains in memory, for tests of the API: it holds what it is told, and finds what a test lets it find. */
import type { DomainDirectory } from '#admin/domain-port';
import { newRecord } from '#certs/acme/issuance-record';
import type { Diagnosis } from '#certs/dns/diagnosis';
import type { AddedDomain, DomainFindings, DomainWish, VerifiedDomain } from '#certs/domains/domain-answers';
import type { DomainView } from '#certs/domains/domain-view';
import { parseHostPattern } from '#core/hostname';

const TOO_SOON_MS = 5000;

export class DomainBook implements DomainDirectory {
  readonly #domains = new Map<string, { readonly tenant: string; view: DomainView }>();
  readonly #wall: () => number;
  readonly #checked = new Map<string, number>();
  /** What stands in the way of every domain. */
  diagnosis: Diagnosis[] = [];
  /** Calls that change or check something. */
  readonly calls: string[] = [];

  constructor(wall: () => number) {
    this.#wall = wall;
  }

  async list(tenant: string): Promise<readonly DomainView[]> {
    return [...this.#domains.values()].filter((one) => one.tenant === tenant).map(({ view }) => view);
  }

  async get(tenant: string, which: string): Promise<DomainView | null> {
    return this.#find(tenant, which)?.view ?? null;
  }

  async add({ tenant, hostname: written, app, set, path }: DomainWish): Promise<AddedDomain> {
    this.calls.push(`add ${written}`);
    const parsed = parseHostPattern(written);
    if (!parsed.ok) {
      const fix = 'Write a hostname such as shop.example.com.';
      return { kind: 'refused', field: 'hostname', code: 'domain.bad_hostname', detail: parsed.detail, fix };
    }
    const { hostname } = parsed;
    const known = this.#find(tenant, hostname);
    if (known !== null) return { kind: 'known', domain: known.view };
    const id = `dom_${String(this.#domains.size + 1).padStart(26, '0')}`;
    const value = `tidegate-verify=${tenant}-${hostname}`;
    const name = `_tidegate.${hostname}`;
    const view: DomainView = {
      id,
      hostname,
      app,
      set,
      path,
      status: 'pending_ownership',
      records: [{ type: 'TXT', name, value, purpose: 'ownership', state: 'missing', seen: [] }],
      conditions: [
        { type: 'Ownership', status: 'False', reason: 'TxtMissing', message: `There is no TXT at ${name}.` },
      ],
      certificate: newRecord(hostname, tenant),
      diagnosis: [],
      createdAt: this.#wall(),
      checkedAt: null,
      nextCheckAt: this.#wall() + TOO_SOON_MS,
    };
    this.#domains.set(id, { tenant, view });
    return { kind: 'added', domain: view };
  }

  async remove(tenant: string, which: string): Promise<boolean> {
    this.calls.push(`remove ${which}`);
    const found = this.#find(tenant, which);
    return found !== null && this.#domains.delete(found.view.id);
  }

  async verify(tenant: string, which: string): Promise<VerifiedDomain | null> {
    const found = this.#find(tenant, which);
    if (found === null) return null;
    const { id } = found.view;
    const waits = (this.#checked.get(id) ?? Number.NEGATIVE_INFINITY) + TOO_SOON_MS - this.#wall();
    if (waits > 0) return { kind: 'soon', retryAfterMs: waits };
    this.calls.push(`verify ${which}`);
    this.#checked.set(id, this.#wall());
    const status = this.diagnosis.length === 0 ? 'active' : 'pending_dns';
    found.view = { ...found.view, status, diagnosis: this.diagnosis, checkedAt: this.#wall() };
    return { kind: 'checked', domain: found.view };
  }

  async diagnose(tenant: string, which: string): Promise<DomainFindings | null> {
    const found = this.#find(tenant, which);
    if (found === null) return null;
    const { hostname } = found.view;
    const records = [
      { resolver: '192.0.2.53', type: 'A', name: hostname, wanted: ['192.0.2.1'], seen: ['192.0.2.9'], fault: null },
    ];
    return { hostname, diagnosis: this.diagnosis, records };
  }

  ownerOf(hostname: string): string | null {
    for (const { tenant, view } of this.#domains.values()) {
      if (view.status === 'active' && (hostname === view.hostname || hostname.endsWith(`.${view.hostname}`)))
        return tenant;
    }
    return null;
  }

  #find(tenant: string, which: string) {
    for (const one of this.#domains.values()) {
      if (one.tenant === tenant && (one.view.id === which || one.view.hostname === which)) return one;
    }
    return null;
  }
}
