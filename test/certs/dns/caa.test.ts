/** CAA records are read as RFC 8659 says, before any certificate authority does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeCaa } from '#certs/dns/caa';
import { openResolvers } from '#certs/dns/resolver';
import { DnsServer } from '#test/support/dns-server';

const US = ['ca.example', 'ca.example.org'];

interface Case {
  readonly title: string;
  readonly records: Readonly<Record<string, readonly string[]>>;
  readonly hostname?: string;
  readonly forbidden: boolean;
}

const CASES: readonly Case[] = [
  { title: 'no record allows everybody', records: {}, forbidden: false },
  { title: 'our name allows us', records: { 'a.b.test': ['issue "ca.example"'] }, forbidden: false },
  {
    title: 'parameters do not matter',
    records: { 'a.b.test': ['issue "ca.example; accounturi=x"'] },
    forbidden: false,
  },
  {
    title: 'a record for other ways of validating forbids us',
    records: { 'a.b.test': ['issue "ca.example; validationmethods=dns-01, tls-alpn-01"'] },
    forbidden: true,
  },
  {
    title: 'a record for our way among others allows us',
    records: { 'a.b.test': ['issue "ca.example; accounturi=x; ValidationMethods=dns-01,http-01"'] },
    forbidden: false,
  },
  { title: 'either of our names will do', records: { 'a.b.test': ['issue "CA.example.org"'] }, forbidden: false },
  { title: 'another name forbids us', records: { 'a.b.test': ['issue "other.example"'] }, forbidden: true },
  { title: 'a semicolon forbids everybody', records: { 'a.b.test': ['issue ";"'] }, forbidden: true },
  { title: 'a set above counts', records: { 'b.test': ['issue "other.example"'] }, forbidden: true },
  {
    title: 'the closest set wins',
    records: { 'b.test': ['issue "other.example"'], 'a.b.test': ['issue "ca.example"'] },
    forbidden: false,
  },
  { title: 'a set without issue forbids nothing', records: { 'a.b.test': ['iodef "mailto:x"'] }, forbidden: false },
  {
    title: 'issuewild does not concern a plain name',
    records: { 'a.b.test': ['issuewild "other.example"', 'issue "ca.example"'] },
    forbidden: false,
  },
  {
    title: 'issuewild goes before issue for a wildcard',
    hostname: '*.a.b.test',
    records: { 'a.b.test': ['issuewild "other.example"', 'issue "ca.example"'] },
    forbidden: true,
  },
  {
    title: 'issue counts for a wildcard where no issuewild is',
    hostname: '*.a.b.test',
    records: { 'a.b.test': ['issue "ca.example"'] },
    forbidden: false,
  },
];

for (const { title, records, hostname = 'a.b.test', forbidden } of CASES) {
  test(title, async () => {
    await using dns = await DnsServer.start();
    for (const [name, values] of Object.entries(records)) dns.set(name, 'CAA', values);
    const diagnosis = await judgeCaa(hostname, openResolvers([dns.address]), { issuers: US, method: 'http-01' });
    assert.equal(diagnosis?.code, forbidden ? 'dns.caa_forbids' : undefined);
    if (forbidden) assert.match(diagnosis?.fix ?? '', /"ca\.example"|Add http-01 to validationmethods/);
  });
}

test('a private authority is not held to CAA, and nobody is asked', async () => {
  await using dns = await DnsServer.start();
  dns.set('a.b.test', 'CAA', ['issue ";"']);
  assert.equal(await judgeCaa('a.b.test', openResolvers([dns.address]), { issuers: [], method: 'http-01' }), null);
  assert.deepEqual(dns.asked, []);
});

test('records that cannot be read stand in the way, as they do at the authority', async () => {
  await using dns = await DnsServer.start();
  dns.fail('a.b.test', 'servfail');
  const diagnosis = await judgeCaa('a.b.test', openResolvers([dns.address]), { issuers: US, method: 'http-01' });
  assert.equal(diagnosis?.code, 'dns.servfail');
});
