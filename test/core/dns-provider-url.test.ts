/** Where the records of dns-01 are written is read whole, or refused at the start with what to write instead. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { parseConfig } from '#core/config';
import { dnsProviderUrl, tsigSecret } from '#core/dns-provider-url';
import { TidegateError } from '#core/errors';

const SERVER = {
  ...{ kind: 'rfc2136', host: 'ns.example', port: 53, zone: 'zone.example', key: 'tidegate', algorithm: 'hmac-sha256' },
};
const SECRET = randomBytes(32).toString('base64');

test('a name server is read with all its parts, or what they are by default', () => {
  const table: readonly [url: string, change: object][] = [
    ['rfc2136://ns.example/zone.example?key=tidegate', {}],
    ['rfc2136://ns.example:53/zone.example?key=tidegate&alg=hmac-sha256', {}],
    ['rfc2136://ns.example:5353/Zone.Example.?key=Tidegate.&alg=HMAC-SHA512', { port: 5353, algorithm: 'hmac-sha512' }],
    ['rfc2136://ns.example?key=tidegate', { zone: null }],
    ['rfc2136://ns.example/?key=tidegate&alg=hmac-sha384', { zone: null, algorithm: 'hmac-sha384' }],
    ['rfc2136://192.0.2.1/zone.example?key=_k-1.ops.example', { host: '192.0.2.1', key: '_k-1.ops.example' }],
    ['rfc2136://[2001:db8::1]:53/zone.example?key=tidegate', { host: '2001:db8::1' }],
    ['RFC2136://ns.example/_acme.zone.example?key=tidegate', { zone: '_acme.zone.example' }],
  ];
  for (const [url, change] of table) assert.deepEqual(dnsProviderUrl(url), { value: { ...SERVER, ...change } }, url);
});

test('what is wrong with a URL is said with what to write instead', () => {
  const table: readonly [url: string, words: RegExp][] = [
    ['ns.example', /webhook, or rfc2136:\/\//],
    ['rfc2136:ns.example', /rfc2136:\/\//],
    ['rfc2136:///zone.example?key=k', /name the server|webhook/],
    ['rfc2136://ns.example:0/zone.example?key=k', /name the server/],
    ['rfc2136://ns.example/zone.example', /name the TSIG key/],
    ['rfc2136://ns.example/zone.example?key=', /name the TSIG key/],
    ['rfc2136://ns.example/zone.example?key=a b', /name the TSIG key/],
    ['rfc2136://ns.example/zone.example?name=k', /"name" is not a part/],
    ['rfc2136://ns.example/zone.example?keys=k', /did you mean key\?/],
    ['rfc2136://ns.example/zone.example?key=k&algo=hmac-sha256', /did you mean alg\?/],
    ['rfc2136://ns.example/a/b?key=k', /"a\/b" is not a zone/],
    ['rfc2136://ns.example/a..b?key=k', /"a\.\.b" is not a zone/],
    ['rfc2136://ns.example/zone.example?key=k&alg=hmac-md5', /alg=hmac-md5.*hmac-sha256/],
    ['rfc2136://ns.example/zone.example?key=k&alg=hmac-sha1', /alg=hmac-sha1.*hmac-sha256/],
    ['rfc2136://k:secret@ns.example/zone.example?key=k', /TIDEGATE_ACME_DNS_SECRET/],
  ];
  for (const [url, words] of table) {
    const parsed = dnsProviderUrl(url);
    assert.ok('problem' in parsed, url);
    assert.match(parsed.problem, words, url);
    assert.doesNotMatch(parsed.problem, /k:secret/);
  }
});

test('a secret is base64 of at least 16 bytes', () => {
  assert.deepEqual(tsigSecret(SECRET), Buffer.from(SECRET, 'base64'));
  for (const text of ['', 'swordfish', 'c2VjcmV0', `${SECRET} `, SECRET.slice(0, -2), '-'.repeat(44)]) {
    assert.equal(tsigSecret(text), null, text);
  }
});

test('a name server without a usable secret is an error at the start, together with all others', () => {
  const TIDEGATE_ACME_DNS = 'rfc2136://ns.example/zone.example?key=tidegate';
  const { acme } = parseConfig({ TIDEGATE_ACME_DNS, TIDEGATE_ACME_DNS_SECRET: SECRET });
  assert.deepEqual(acme.dns, SERVER);
  for (const given of [undefined, 'swordfish']) {
    const environment = { TIDEGATE_ACME_DNS, TIDEGATE_ACME_DNS_SECRET: given, TIDEGATE_LOG: 'loud' };
    assert.throws(
      () => parseConfig(environment),
      (error) => {
        assert.ok(error instanceof TidegateError);
        assert.match(error.message, /TIDEGATE_ACME_DNS_SECRET: .*TSIG key.*base64/);
        assert.match(error.message, /TIDEGATE_LOG/);
        assert.doesNotMatch(error.message, /swordfish/);
        return true;
      },
    );
  }
});
