/** Certificates by dynamic update: Tidegate writes into a real name server, and a real authority reads there. */
import assert from 'node:assert/strict';
import { randomBytes, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { openDnsProvider } from '#certs/acme/dns-01/open-dns-provider';
import { systemClock } from '#core/clock';
import { parseConfig } from '#core/config';
import { ChallengeAnswers } from '#gateway/challenge-answers';
import { temporaryDirectory } from '#test/store/temporary';
import { Named } from '#test/support/named';
import { Pebble } from '#test/support/pebble';
import { IssuanceGround } from '../issuance-ground.ts';

test('a name and its wildcard get certificates at once, and nothing is left in the zone', async (t) => {
  await using named = await Named.start({ zones: ['example.test'] });
  await using pebble = await Pebble.start({ httpPort: 1, dns: named.dns });
  const { acme } = parseConfig({
    TIDEGATE_ACME_DNS: `rfc2136://${named.dns}?key=hmac-sha256`,
    TIDEGATE_ACME_DNS_SECRET: named.secret,
  });
  assert.ok(acme.dns !== null);
  const dns = openDnsProvider(acme.dns, { secret: acme.dnsSecret, clock: systemClock, randomBytes });
  const board = new ChallengeAnswers();
  const directory = temporaryDirectory(t);
  await using ground = await IssuanceGround.open({ directory, pebble, board, challenges: ['dns-01'], dns });
  const hostnames = ['shop.example.test', '*.shop.example.test'];
  for (const hostname of hostnames) ground.want(hostname);
  for (const hostname of hostnames) {
    await ground.untilState(hostname, 'valid');
    const shown = hostname.replace('*', 'x');
    const material = ground.ground.reader.find(shown);
    assert.ok(material !== null);
    assert.ok(new X509Certificate(material.chain).checkHost(shown) !== undefined);
  }
  assert.deepEqual(await named.txt('_acme-challenge.shop.example.test'), []);
});
