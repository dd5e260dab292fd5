/** Every way in which a hostname does not point here has a code of its own, and says what to change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeAddresses } from '#certs/dns/addresses';
import { openResolvers } from '#certs/dns/resolver';
import { DnsServer } from '#test/support/dns-server';

const NAME = 'shop.example.test';
const EXPECTED = { edge: 'edge.example.net', addresses: new Set(['192.0.2.1', '2001:db8::1']) };

interface Cause {
  readonly title: string;
  readonly prepare: (dns: DnsServer) => void;
  readonly state: string;
  readonly code: string | null;
  readonly fix: RegExp;
}

const CAUSES: readonly Cause[] = [
  {
    title: 'no record',
    prepare: () => {},
    state: 'wrong',
    code: 'dns.no_record',
    fix: /CNAME record shop\.example\.test → edge\.example\.net.*192\.0\.2\.1/,
  },
  {
    title: 'no answer at all',
    prepare: (dns) => dns.fail(NAME, 'drop'),
    state: 'unknown',
    code: 'dns.timeout',
    fix: /name servers of the domain can be reached/,
  },
  {
    title: 'an address elsewhere',
    prepare: (dns) => dns.set(NAME, 'A', ['198.51.100.7']),
    state: 'wrong',
    code: 'dns.wrong_target',
    fix: /edge\.example\.net/,
  },
  {
    title: 'one of two addresses elsewhere',
    prepare: (dns) => dns.set(NAME, 'A', ['192.0.2.1', '198.51.100.7']),
    state: 'wrong',
    code: 'dns.wrong_target',
    fix: /no others/,
  },
  {
    title: 'IPv6 elsewhere',
    prepare: (dns) => {
      dns.set(NAME, 'A', ['192.0.2.1']);
      dns.set(NAME, 'AAAA', ['2001:db8::bad']);
    },
    state: 'wrong',
    code: 'dns.aaaa_elsewhere',
    fix: /Remove the AAAA record/,
  },
  {
    title: 'IPv4 elsewhere, IPv6 here',
    prepare: (dns) => {
      dns.set(NAME, 'A', ['198.51.100.7']);
      dns.set(NAME, 'AAAA', ['2001:db8:0:0:0:0:0:1']);
    },
    state: 'wrong',
    code: 'dns.mixed_families',
    fix: /Set the A record/,
  },
  {
    title: 'a content delivery network',
    prepare: (dns) => dns.set(NAME, 'A', ['104.16.1.1']),
    state: 'wrong',
    code: 'dns.cdn_in_front',
    fix: /Cloudflare/,
  },
  {
    title: 'broken name servers',
    prepare: (dns) => dns.fail(NAME, 'servfail'),
    state: 'unknown',
    code: 'dns.servfail',
    fix: /DNSSEC/,
  },
  {
    title: 'signatures that do not hold',
    prepare: (dns) => {
      dns.set(NAME, 'A', ['192.0.2.1']);
      dns.fail(NAME, 'bogus');
    },
    state: 'unknown',
    code: 'dns.dnssec_bogus',
    fix: /signatures/,
  },
  {
    title: 'a resolver that refuses',
    prepare: (dns) => dns.fail(NAME, 'refused'),
    state: 'unknown',
    code: 'dns.refused',
    fix: /TIDEGATE_DNS/,
  },
  {
    title: 'an alias of the edge',
    prepare: (dns) => {
      dns.set(NAME, 'CNAME', ['edge.example.net']);
      dns.set('edge.example.net', 'A', ['192.0.2.1']);
    },
    state: 'ok',
    code: null,
    fix: /^$/,
  },
];

for (const { title, prepare, state, code, fix } of CAUSES) {
  test(`${title}: ${code ?? 'all is well'}`, async () => {
    await using dns = await DnsServer.start();
    prepare(dns);
    const verdict = await judgeAddresses(NAME, openResolvers([dns.address]), EXPECTED);
    assert.equal(verdict.state, state);
    assert.deepEqual(
      verdict.diagnosis.map((one) => one.code),
      code === null ? [] : [code],
    );
    assert.match(verdict.diagnosis[0]?.fix ?? '', fix);
    if (code !== null) assert.equal(verdict.diagnosis[0]?.resolver, dns.address);
  });
}

test('resolvers that disagree are named, with what each of them sees', async () => {
  await using right = await DnsServer.start();
  await using late = await DnsServer.start();
  right.set(NAME, 'A', ['192.0.2.1']);
  late.set(NAME, 'A', ['198.51.100.7']);
  const verdict = await judgeAddresses(NAME, openResolvers([right.address, late.address]), EXPECTED);
  assert.equal(verdict.state, 'wrong');
  assert.deepEqual(
    verdict.diagnosis.map((one) => one.code),
    ['dns.not_everywhere', 'dns.wrong_target'],
  );
  assert.match(verdict.diagnosis[0]?.detail ?? '', new RegExp(late.address));
  assert.deepEqual(verdict.addresses, ['192.0.2.1', '198.51.100.7']);
  assert.deepEqual(verdict.seen, [
    { resolver: right.address, type: 'A', values: ['192.0.2.1'] },
    { resolver: late.address, type: 'A', values: ['198.51.100.7'] },
  ]);
});

test('one resolver that fails does not outvote one that answers', async () => {
  await using right = await DnsServer.start();
  await using broken = await DnsServer.start();
  right.set(NAME, 'A', ['192.0.2.1']);
  broken.fail(NAME, 'servfail');
  const verdict = await judgeAddresses(NAME, openResolvers([right.address, broken.address]), EXPECTED);
  assert.deepEqual([verdict.state, verdict.diagnosis], ['ok', []]);
});

test('a resolver that is not there is told from a name that is not there', async () => {
  const dns = await DnsServer.start();
  const { address } = dns;
  await dns[Symbol.asyncDispose]();
  const verdict = await judgeAddresses(NAME, openResolvers([address]), EXPECTED);
  assert.deepEqual([verdict.state, verdict.diagnosis[0]?.code], ['unknown', 'dns.timeout']);
});
