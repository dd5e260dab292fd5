/** A dynamic update whose answer is forged, stale, cut off or missing is not believed, and sent again only where that helps. */
import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { HEADER_BYTES } from '#certs/acme/dns-01/dns-message';
import { openDnsProvider } from '#certs/acme/dns-01/open-dns-provider';
import { type Clock, systemClock } from '#core/clock';
import { Named } from '#test/support/named';
import { type Deed, DnsRelay } from './dns-relay.ts';

const NEVER = new AbortController().signal;
const NOERROR_OF_UPDATE = 0xa800;
const MAC_BYTES = 32;
/** After the MAC: original id, error and length of other data. */
const AFTER_MAC = 6;

let named: Named;

before(async () => {
  // The second one cannot be loaded.
  const records = { 'broken.test': 'this is no record' };
  named = await Named.start({ zones: ['example.test'], fixedZones: ['broken.test'], records });
});

after(() => named[Symbol.asyncDispose]());

function provider(port: number, clock: Clock, zone: string | null = 'example.test') {
  const key = { key: 'hmac-sha256', algorithm: 'hmac-sha256', zone } as const;
  return openDnsProvider(
    { kind: 'rfc2136', host: '127.0.0.1', port, ...key },
    { secret: named.secret, clock, randomBytes },
  );
}

/** What waits at all waits but a moment. */
const hurried: Clock = { ...systemClock, after: (ms, run) => systemClock.after(ms / 25, run) };
/** Only the pauses between tries are short: deadlines hold. */
const patient: Clock = { ...systemClock, after: (ms, run) => systemClock.after(ms < 5000 ? 1 : ms, run) };

function unsigned(rcode: number): Deed {
  return (_answer, request) => {
    const forged = Buffer.alloc(HEADER_BYTES);
    request.copy(forged, 0, 0, 2);
    forged.writeUInt16BE(NOERROR_OF_UPDATE | rcode, 2);
    return forged;
  };
}

function bent(at: (answer: Buffer) => number): Deed {
  return (answer) => {
    const i = at(answer);
    answer.writeUInt8(answer.readUInt8(i) ^ 1, i);
    return answer;
  };
}

const macAt = (answer: Buffer): number => answer.length - AFTER_MAC - MAC_BYTES;

const FORGED: readonly [what: string, deed: Deed, words: RegExp][] = [
  ['that is not signed', unsigned(0), /not signed/],
  ['with another MAC', bent(macAt), /not rightly signed/],
  ['with a changed header', bent(() => 3), /not rightly signed/],
  ['signed at another time', bent((answer) => macAt(answer) - 5), /not rightly signed/],
  ['whose MAC was taken away', (answer) => withoutMac(answer), /not rightly signed/],
  ['with another id', bent(() => 1), /no answer to what it was asked/],
  ['that is the question', (_answer, request) => request, /no answer to what it was asked/],
  ['that is no DNS', () => Buffer.from('HTTP/1.1 400 Bad Request'), /no answer to what it was asked/],
  ['that is empty', () => Buffer.alloc(0), /no answer to what it was asked/],
  ['signed without our request', (answer) => resigned(answer), /not rightly signed/],
];

for (const [what, deed, words] of FORGED) {
  test(`an answer ${what} is refused, and the update is not sent again`, async () => {
    await using relay = await DnsRelay.start(named.port, [deed]);
    await assert.rejects(provider(relay.port, patient).set('forged.example.test', 'v', NEVER), words);
    assert.equal(relay.callCount, 1);
  });
}

test('an answer to an earlier request is refused', async () => {
  const earlier: Buffer[] = [];
  const replayed: Deed = (answer) => {
    earlier.push(answer);
    const [first = answer] = earlier;
    const again = Buffer.from(first);
    answer.copy(again, 0, 0, 2);
    return again;
  };
  await using relay = await DnsRelay.start(named.port, [replayed]);
  await provider(relay.port, patient).set('a.example.test', 'first', NEVER);
  await assert.rejects(provider(relay.port, patient).set('a.example.test', 'second', NEVER), /not rightly signed/);
});

test('an answer that was held back for an hour is refused', async () => {
  let lateMs = 0;
  const clock: Clock = { ...patient, wall: () => systemClock.wall() + lateMs };
  const held: Deed = (answer) => {
    lateMs = 3_600_000;
    return answer;
  };
  await using relay = await DnsRelay.start(named.port, [held]);
  await assert.rejects(provider(relay.port, clock).set('a.example.test', 'v', NEVER), /not of now.*behind/);
});

for (const deed of ['hang-up', 'cut'] as const) {
  test(`a server that does not answer whole (${deed}) is asked three times in all`, async () => {
    await using relay = await DnsRelay.start(named.port, [deed, deed, 'pass', deed]);
    const name = `${deed}.example.test`;
    await provider(relay.port, patient).set(name, 'v', NEVER);
    assert.deepEqual(await named.txt(name), ['v']);
    assert.equal(relay.callCount, 3);
    await assert.rejects(
      provider(relay.port, patient).set(name, 'v', NEVER),
      /hung up before it had answered|ECONNRESET/,
    );
    assert.equal(relay.callCount, 6);
  });
}

test('a server that fails is asked again, one that refuses is not, signed or unsigned', async () => {
  await using failing = await DnsRelay.start(named.port, [unsigned(2), 'pass']);
  await provider(failing.port, patient).set('failing.example.test', 'v', NEVER);
  assert.equal(failing.callCount, 2);
  await using refusing = await DnsRelay.start(named.port, [unsigned(5), 'pass']);
  await assert.rejects(provider(refusing.port, patient).set('refusing.example.test', 'v', NEVER), /REFUSED/);
  assert.equal(refusing.callCount, 1);
});

test('a zone that cannot be served just now is asked for three times', async () => {
  await using relay = await DnsRelay.start(named.port, ['pass']);
  await assert.rejects(provider(relay.port, patient, null).set('a.broken.test', 'v', NEVER), /SERVFAIL.*log/);
  assert.equal(relay.callCount, 3);
});

test('finding the zone takes one question, however deep the name is', async () => {
  await using relay = await DnsRelay.start(named.port, ['pass']);
  await provider(relay.port, patient, null).set('a.b.c.d.e.example.test', 'v', NEVER);
  assert.equal(relay.callCount, 2);
});

test('a server that never answers is given up', async () => {
  await using relay = await DnsRelay.start(named.port, ['silent']);
  await assert.rejects(provider(relay.port, hurried).set('a.example.test', 'v', NEVER), /within 10 s/);
  assert.ok(relay.callCount > 0);
});

test('one that is called off ends at once, with the reason', { timeout: 20_000 }, async () => {
  const timeless: Clock = { ...systemClock, after: () => ({ cancel: () => {} }) };
  await using relay = await DnsRelay.start(named.port, ['silent']);
  const reason = new Error('enough');
  const off = new AbortController();
  const asked = provider(relay.port, timeless).set('a.example.test', 'v', off.signal);
  off.abort(reason);
  await assert.rejects(asked, reason);
  await assert.rejects(provider(relay.port, timeless).set('a.example.test', 'v', off.signal), reason);
});

/** The record of the signature stays, with no MAC in it. */
function withoutMac(answer: Buffer): Buffer {
  const at = macAt(answer);
  const dataLengthAt = at - '\x0bhmac-sha256\0'.length - 10 - 2;
  answer.writeUInt16BE(answer.readUInt16BE(dataLengthAt) - MAC_BYTES, dataLengthAt);
  answer.writeUInt16BE(0, at - 2);
  return Buffer.concat([answer.subarray(0, at), answer.subarray(at + MAC_BYTES)]);
}

/** By one who has the secret, as a server would that did not bind its answer to the request. */
function resigned(answer: Buffer): Buffer {
  const at = macAt(answer);
  createHmac('sha256', Buffer.from(named.secret, 'base64')).update(answer.subarray(0, at)).digest().copy(answer, at);
  return answer;
}
