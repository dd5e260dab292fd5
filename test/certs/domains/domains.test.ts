/** Who has a hostname: proof decides, a look at DNS says what is missing, and nobody loses a name to a broken resolver. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { newRecord } from '#certs/acme/issuance-record';
import { openResolvers } from '#certs/dns/resolver';
import type { DomainView } from '#certs/domains/domain-view';
import { Domains } from '#certs/domains/domains';
import type { EventDraft } from '#core/event';
import { silentLog } from '#core/log';
import { openSqliteStore } from '#store/sqlite-store';
import type { Store } from '#store/store';
import { temporaryDirectory } from '#test/store/temporary';
import { DnsServer } from '#test/support/dns-server';
import { FakeClock } from '#test/support/fake-clock';

const NAME = 'shop.example.test';
const HERE = '192.0.2.1';
const HOUR_MS = 3_600_000;

class Scene implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly events: EventDraft[] = [];
  readonly dns: DnsServer;
  readonly store: Store;
  readonly domains: Domains;
  /** Addresses that lead here although they are not known. */
  readonly ours = new Set<string>();
  #ids = 0;

  private constructor(dns: DnsServer, store: Store) {
    this.dns = dns;
    this.store = store;
    this.domains = this.keeper();
  }

  static async open(directory: string): Promise<Scene> {
    const scene = new Scene(await DnsServer.start(), await openSqliteStore(directory));
    await scene.domains.load();
    return scene;
  }

  keeper(): Domains {
    return new Domains({
      ...{ store: this.store, clock: this.clock, log: silentLog, randomBytes, random: () => 0.5 },
      emit: (event) => void this.events.push(event),
      resolvers: openResolvers([this.dns.address]),
      baseDomain: 'base.test',
      edge: 'edge.example.net',
      addresses: async () => new Set([HERE]),
      echo: async (hostname, addresses) =>
        addresses.every((one) => this.ours.has(one))
          ? []
          : [{ code: 'http.port_unreachable', detail: hostname, fix: 'open it' }],
      issuance: (hostname) => newRecord(hostname, null),
      newId: (prefix) => `${prefix}_${++this.#ids}`,
    });
  }

  async add(tenant: string, hostname = NAME): Promise<DomainView> {
    const added = await this.domains.add({ tenant, hostname, app: 'shop', set: null, path: '/' });
    assert.equal(added.kind, 'added', JSON.stringify(added));
    return added.kind === 'added' ? added.domain : assert.fail();
  }

  /** Sets the record that proves a domain. */
  prove(domain: DomainView): void {
    const txt = domain.records.find(({ type }) => type === 'TXT');
    this.dns.set(txt?.name ?? '', 'TXT', [txt?.value ?? '']);
  }

  async look(tenant: string, which = NAME): Promise<DomainView> {
    await this.clock.advance(6000);
    let verified = await this.domains.verify(tenant, which);
    // It may have been looked at by itself meanwhile.
    for (; verified?.kind === 'soon'; verified = await this.domains.verify(tenant, which)) {
      await this.clock.advance(verified.retryAfterMs);
    }
    return verified?.domain ?? assert.fail('it is not there');
  }

  told(): string[] {
    return this.events.splice(0).map(({ type, tenant }) => `${type} ${tenant}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.domains.close();
    await this.dns[Symbol.asyncDispose]();
    await this.store.close();
  }
}

test('a domain goes from its claim to its proof and to its DNS, each with its own word', async (t) => {
  await using scene = await Scene.open(temporaryDirectory(t));
  const added = await scene.add('a');
  assert.equal(added.status, 'pending_ownership');
  assert.deepEqual(
    added.diagnosis.map(({ code }) => code),
    ['ownership.txt_missing', 'dns.no_record'],
  );
  assert.deepEqual(
    added.records.map(({ type, name, value, state }) => [type, name, value.replace(/[0-9a-f]{40}/, '…'), state]),
    [
      ['TXT', `_tidegate.${NAME}`, 'tidegate-verify=…', 'missing'],
      ['CNAME', NAME, 'shop.a.edge.example.net', 'missing'],
    ],
  );
  assert.equal(scene.domains.ownerOf(NAME), null);
  // Pointing here proves nothing.
  scene.dns.set(NAME, 'A', [HERE]);
  assert.equal((await scene.look('a')).status, 'pending_ownership');
  scene.prove(added);
  const proved = await scene.look('a');
  assert.equal(proved.status, 'pending_certificate');
  assert.deepEqual(
    proved.conditions.map(({ type, status }) => `${type} ${status}`),
    ['Ownership True', 'Dns True', 'Certificate False'],
  );
  assert.equal(scene.domains.ownerOf(NAME), 'a');
  assert.deepEqual(
    [...scene.domains.routes()].map(({ hostname }) => hostname),
    [NAME],
  );
  assert.deepEqual(scene.told(), ['domain.added a', 'domain.dns_wrong a', 'domain.dns_ok a', 'domain.verified a']);
});

test('an alias that names tenant and app proves it, one that names another does not', async (t) => {
  await using scene = await Scene.open(temporaryDirectory(t));
  await scene.add('a');
  scene.dns.set('shop.b.edge.example.net', 'A', [HERE]);
  scene.dns.set('shop.a.edge.example.net', 'A', [HERE]);
  scene.dns.set(NAME, 'CNAME', ['shop.b.edge.example.net']);
  assert.deepEqual(
    (await scene.look('a')).diagnosis.map(({ code }) => code),
    ['ownership.cname_foreign'],
  );
  scene.dns.set(NAME, 'CNAME', ['shop.a.edge.example.net']);
  assert.equal((await scene.look('a')).status, 'pending_certificate');
});

test('a wrong value is told from none, and a value beside others will do', async (t) => {
  await using scene = await Scene.open(temporaryDirectory(t));
  const added = await scene.add('a');
  const txt = added.records[0];
  scene.dns.set(txt?.name ?? '', 'TXT', ['tidegate-verify=old', 'v=spf1 -all']);
  const [wrong] = (await scene.look('a')).diagnosis;
  assert.deepEqual(
    [wrong?.code, wrong?.wanted, wrong?.seen],
    ['ownership.txt_wrong', [txt?.value], ['tidegate-verify=old']],
  );
  scene.dns.set(txt?.name ?? '', 'TXT', ['v=spf1 -all', txt?.value ?? '', 'tidegate-verify=old']);
  assert.equal((await scene.look('a')).status, 'pending_dns');
});

test('what is proved lapses after three days of a missing proof, and never because DNS is broken', async (t) => {
  await using scene = await Scene.open(temporaryDirectory(t));
  const added = await scene.add('a');
  scene.prove(added);
  await scene.look('a');
  const name = `_tidegate.${NAME}`;
  scene.dns.fail(name, 'servfail');
  for (let day = 0; day < 5; day++) {
    await scene.clock.advance(24 * HOUR_MS);
    await scene.look('a');
  }
  assert.equal(scene.domains.ownerOf(NAME), 'a');
  scene.dns.clear(name);
  await scene.look('a');
  await scene.clock.advance(71 * HOUR_MS);
  assert.equal((await scene.look('a')).conditions[0]?.reason, 'ProofMissing');
  assert.equal(scene.domains.ownerOf(NAME), 'a');
  await scene.clock.advance(HOUR_MS);
  assert.equal((await scene.look('a')).status, 'degraded');
  assert.equal(scene.domains.ownerOf(NAME), null);
  assert.ok(scene.told().includes('domain.lapsed a'));
  scene.prove(added);
  await scene.look('a');
  assert.equal(scene.domains.ownerOf(NAME), 'a');
});

test('proof moves a hostname to another tenant, and its holder is told', async (t) => {
  await using scene = await Scene.open(temporaryDirectory(t));
  const first = await scene.add('a');
  scene.prove(first);
  await scene.look('a');
  const rival = await scene.add('b');
  assert.equal(rival.status, 'conflict');
  assert.equal(rival.diagnosis[0]?.code, 'domain.held_by_other');
  scene.told();
  scene.prove(rival);
  await scene.look('b');
  assert.equal(scene.domains.ownerOf(NAME), 'b');
  assert.deepEqual(scene.told(), ['domain.taken a', 'domain.taken b', 'domain.verified b']);
  const loser = await scene.domains.get('a', NAME);
  assert.deepEqual([loser?.status, loser?.diagnosis[0]?.code], ['degraded', 'domain.held_by_other']);
  // Both values stand there: the older one proves nothing any more.
  const both = [first, rival].map(({ records }) => records[0]?.value ?? '');
  scene.dns.set(`_tidegate.${NAME}`, 'TXT', both);
  for (let looks = 0; looks < 3; looks++) {
    await scene.look('a');
    await scene.look('b');
    assert.equal(scene.domains.ownerOf(NAME), 'b');
  }
  assert.notEqual(loser?.records[0]?.value, first.records[0]?.value);
});

test('two who prove a hostname at the same moment never have it both', async (t) => {
  await using scene = await Scene.open(temporaryDirectory(t));
  const claims = [await scene.add('a'), await scene.add('b')];
  scene.dns.set(
    `_tidegate.${NAME}`,
    'TXT',
    claims.map(({ records }) => records[0]?.value ?? ''),
  );
  await Promise.all(['a', 'b'].map((tenant) => scene.domains.verify(tenant, NAME)));
  assert.equal([...scene.domains.routes()].length, 1);
});

test('a store that fails is not asked again and again', async (t) => {
  await using scene = await Scene.open(temporaryDirectory(t));
  await scene.add('a');
  await scene.domains.start();
  let writes = 0;
  scene.store.putDocument = () => {
    writes++;
    return Promise.reject(new Error('disk full'));
  };
  await scene.clock.advance(300_000);
  assert.ok(writes > 1 && writes < 8, String(writes));
});

test('an alias does not take a hostname that another tenant has proved', async (t) => {
  await using scene = await Scene.open(temporaryDirectory(t));
  const first = await scene.add('a');
  scene.prove(first);
  await scene.look('a');
  await scene.add('b');
  scene.dns.set('shop.b.edge.example.net', 'A', [HERE]);
  scene.dns.set(NAME, 'CNAME', ['shop.b.edge.example.net']);
  assert.equal((await scene.look('b')).status, 'conflict');
  await scene.look('a');
  assert.equal(scene.domains.ownerOf(NAME), 'a');
});

test('an alias that cannot be asked for is not an alias that is gone', async (t) => {
  await using scene = await Scene.open(temporaryDirectory(t));
  await scene.add('a');
  scene.dns.set('shop.a.edge.example.net', 'A', [HERE]);
  scene.dns.set(NAME, 'CNAME', ['shop.a.edge.example.net']);
  await scene.look('a');
  scene.dns.fail(NAME, 'servfail');
  for (let day = 0; day < 5; day++) {
    await scene.clock.advance(24 * HOUR_MS);
    await scene.look('a');
  }
  assert.equal(scene.domains.ownerOf(NAME), 'a');
});

test('what is proved covers what lies below it for the same tenant alone', async (t) => {
  await using scene = await Scene.open(temporaryDirectory(t));
  scene.prove(await scene.add('a', 'example.test'));
  await scene.look('a', 'example.test');
  await scene.add('a', NAME);
  for (let looks = 0; looks < 3; looks++) {
    assert.deepEqual((await scene.look('a')).conditions[0], {
      ...{ type: 'Ownership', status: 'True', reason: 'Proved' },
      message: `${NAME} was proved with the name above it.`,
    });
  }
  assert.equal(scene.domains.ownerOf('any.deeper.example.test'), 'a');
  assert.equal(scene.domains.ownerOf('*.example.test'), 'a');
  assert.equal(scene.domains.ownerOf('test'), null);
  const rival = await scene.add('b', 'blog.example.test');
  assert.equal(rival.status, 'conflict');
});

test('a hostname that was given up is held back from other tenants for three days', async (t) => {
  await using scene = await Scene.open(temporaryDirectory(t));
  scene.prove(await scene.add('a'));
  await scene.look('a');
  assert.equal(await scene.domains.remove('b', NAME), false);
  assert.equal(await scene.domains.remove('a', NAME), true);
  assert.equal(scene.domains.ownerOf(NAME), null);
  const wish = { hostname: NAME, app: 'shop', set: null, path: '/' };
  const refused = await scene.domains.add({ ...wish, tenant: 'b' });
  assert.equal(refused.kind === 'refused' && refused.code, 'domain.quarantined');
  // Whoever held a name spoke for those below it.
  const below = await scene.domains.add({ ...wish, tenant: 'b', hostname: `deep.${NAME}` });
  assert.equal(below.kind === 'refused' && below.code, 'domain.quarantined');
  assert.equal((await scene.domains.add({ ...wish, tenant: 'a' })).kind, 'added');
  await scene.clock.advance(72 * HOUR_MS);
  assert.equal((await scene.domains.add({ ...wish, tenant: 'b' })).kind, 'added');
});

test('names that nobody may claim are refused with what to do instead', async (t) => {
  await using scene = await Scene.open(temporaryDirectory(t));
  for (const [hostname, code] of [
    ['com', 'domain.public_suffix'],
    ['github.io', 'domain.public_suffix'],
    ['*.co.uk', 'domain.public_suffix'],
    ['shop.base.test', 'domain.reserved'],
    ['app.localhost', 'domain.reserved'],
    ['x.b.base.test', 'domain.reserved'],
    ['192.0.2.1', 'domain.bad_hostname'],
    ['sh_op..test', 'domain.bad_hostname'],
    ['xn--\u00fc.test', 'domain.not_idna'],
  ]) {
    const answer = await scene.domains.add({
      tenant: 'a',
      hostname: hostname ?? '',
      app: 'shop',
      set: null,
      path: '/',
    });
    assert.equal(answer.kind === 'refused' && answer.code, code, hostname);
    assert.ok(answer.kind === 'refused' && answer.fix.length > 10);
  }
  assert.equal((await scene.add('a', 'x.a.base.test')).hostname, 'x.a.base.test');
  assert.equal((await scene.add('a', 'Bücher.Example.test:443')).hostname, 'xn--bcher-kva.example.test');
});

test('an address that is not known but answers for us is as good as one that is', async (t) => {
  await using scene = await Scene.open(temporaryDirectory(t));
  scene.prove(await scene.add('a'));
  scene.dns.set(NAME, 'A', ['198.51.100.9']);
  assert.equal((await scene.look('a')).status, 'pending_dns');
  scene.ours.add('198.51.100.9');
  assert.equal((await scene.look('a')).status, 'pending_certificate');
});

test('verifying again at once is asked to wait, and diagnosing says what each resolver saw', async (t) => {
  await using scene = await Scene.open(temporaryDirectory(t));
  await scene.add('a');
  await scene.look('a');
  const soon = await scene.domains.verify('a', NAME);
  assert.equal(soon?.kind, 'soon');
  const findings = await scene.domains.diagnose('a', NAME.toUpperCase());
  assert.deepEqual(
    findings?.records.map(({ resolver, type, seen }) => [resolver, type, seen]),
    [[scene.dns.address, 'TXT', []]],
  );
  const asked = scene.dns.asked.length;
  await scene.domains.diagnose('a', NAME);
  const once = scene.dns.asked.length - asked;
  await Promise.all(Array.from({ length: 20 }, () => scene.domains.diagnose('a', NAME)));
  assert.equal(scene.dns.asked.length - asked, 2 * once, 'twenty who ask at once have it looked at once');
  assert.equal(await scene.domains.verify('b', NAME), null);
  assert.equal(await scene.domains.diagnose('b', NAME), null);
});

test('what was kept is in force after a restart', async (t) => {
  await using scene = await Scene.open(temporaryDirectory(t));
  scene.prove(await scene.add('a'));
  await scene.look('a');
  const again = scene.keeper();
  await again.load();
  assert.equal(again.ownerOf(NAME), 'a');
  assert.equal((await again.list('a')).length, 1);
});

test('no order of calls and spellings gives a tenant a hostname that another one has proved', async (t) => {
  const spellings = [
    'one.test',
    'ONE.test.',
    'one.test:8080',
    '*.one.test',
    'a.one.test',
    'tw\u00f6.test',
    'xn--tw-fka.test',
  ];
  const step = fc.record({
    what: fc.constantFrom('add', 'prove', 'unprove', 'remove', 'look'),
    tenant: fc.constantFrom('a', 'b'),
    name: fc.constantFrom(...spellings),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      await using scene = await Scene.open(temporaryDirectory(t));
      const proved = new Set<string>();
      for (const { what, tenant, name } of steps) {
        const known = await scene.domains.get(tenant, name);
        if (what === 'add') await scene.domains.add({ tenant, hostname: name, app: 'shop', set: null, path: '/' });
        else if (what === 'remove') await scene.domains.remove(tenant, name);
        else if (what === 'unprove') scene.dns.clear(known?.records[0]?.name ?? '');
        else if (known !== null && what === 'prove') {
          scene.prove(known);
          // What lies below it is covered.
          proved.add(`${tenant} ${known.hostname.replace('*.', '').replace('a.', '')}`);
        }
        await scene.clock.advance(6000);
        if (known !== null) await scene.domains.verify(tenant, name);
        const owners = new Map<string, string>();
        for (const route of scene.domains.routes()) {
          assert.equal(owners.get(route.hostname) ?? route.tenant, route.tenant, `${route.hostname} is two tenants'`);
          owners.set(route.hostname, route.tenant);
          assert.equal(scene.domains.ownerOf(route.hostname), route.tenant);
          assert.ok(
            proved.has(`${route.tenant} ${route.hostname.replace('*.', '').replace('a.', '')}`),
            route.hostname,
          );
        }
      }
    }),
    { seed: 11, numRuns: 40 },
  );
});
