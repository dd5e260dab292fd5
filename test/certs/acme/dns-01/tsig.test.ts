/**
 * Signatures against messages that another implementation (dnspython 2.8) made, or read and found right: RFC 8945 gives none.
 * The secret is the bytes 0 to 31; all was signed at 1,790,000,000 s.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLASS, decodeMessage, encodeMessage, encodeText, OPCODE, TYPE } from '#certs/acme/dns-01/dns-message';
import { checkSignature, signMessage, type TsigKey } from '#certs/acme/dns-01/tsig';

const AT_MS = 1_790_000_000_500;
const KEY: TsigKey = {
  name: 'update.example.test',
  algorithm: 'hmac-sha256',
  secret: Buffer.from(Array.from({ length: 32 }, (_, i) => i)),
};

const UPDATE_MAC = Buffer.from('018bf07b3350bf512ac73614057875762426d0d4d4816e0bba2b5cef9118eb01', 'hex');
const UPDATE = Buffer.from(
  '123428000001000000020001076578616d706c65047465737400000600010f5f61636d652d6368616c6c656e67650473686f70076578616d706c65' +
    '047465737400001000010000003c00060576616c75650f5f61636d652d6368616c6c656e67650473686f70076578616d706c650474657374000010' +
    '00fe000000000004036f6c6406757064617465076578616d706c6504746573740000fa00ff00000000003d0b686d61632d73686132353600000' +
    '06ab13b80012c0020018bf07b3350bf512ac73614057875762426d0d4d4816e0bba2b5cef9118eb01123400000000',
  'hex',
);
const TAKEN = Buffer.from(
  '1234a8000001000000000001076578616d706c650474657374000006000106757064617465c00c00fa00ff00000000003d0b686d61632d73686132' +
    '353600000' +
    '06ab13b80012c0020848cc9d68f3e1db5b86392537f4cb02ad714bd101c0203225ceb7b8088c67ad9123400000000',
  'hex',
);
const BADTIME = Buffer.from(
  '1234a8090001000000000001076578616d706c650474657374000006000106757064617465c00c00fa00ff0000000000430b686d61632d73686132' +
    '353600000' +
    '06ab13b80012c00203ef04c7ef2310c990c18e3c50d2d2ea4a775e6a6bd611f8cc848698201f40b9712340012000600006ab14990',
  'hex',
);
const NXDOMAIN_MAC = Buffer.from('88b2779ca608138f1380c04872ca16c6354d59d8fa2832c14db1193f2b6accbd', 'hex');
const NXDOMAIN = Buffer.from(
  '43218403000100000001000101610162076578616d706c6504746573740000060001c010000600010000003c001f026e73c010036f7073c01000000' +
    '0010000000200000003000000040000000506757064617465c01000fa00ff00000000003d0b686d61632d73686132353600000' +
    '06ab13b80012c002082499abe3942c4432a1fcb2d06db96a559fb4d0757ba5e9213346e056bc828a0432100000000',
  'hex',
);

test('an update that adds one record and removes another is written and signed byte for byte', () => {
  const name = '_acme-challenge.shop.example.test';
  const records = [
    { name, type: TYPE.TXT, class: CLASS.IN, ttl: 60, data: encodeText('value') },
    { name, type: TYPE.TXT, class: CLASS.NONE, ttl: 0, data: encodeText('old') },
  ];
  const update = { id: 0x1234, opcode: OPCODE.UPDATE, name: 'example.test', type: TYPE.SOA, records };
  const { wire, mac } = signMessage(encodeMessage(update), KEY, AT_MS);
  assert.equal(wire.toString('hex'), UPDATE.toString('hex'));
  assert.equal(mac.toString('hex'), UPDATE_MAC.toString('hex'));
});

function verdictOf(wire: Buffer, change: Partial<Parameters<typeof checkSignature>[2]> = {}) {
  return checkSignature(wire, decodeMessage(wire), { key: KEY, requestMac: UPDATE_MAC, now: AT_MS, ...change });
}

test('an answer is good by the right key, for this request, within five minutes, also with compressed names', () => {
  assert.deepEqual(verdictOf(TAKEN), { kind: 'good' });
  assert.deepEqual(verdictOf(NXDOMAIN, { requestMac: NXDOMAIN_MAC }), { kind: 'good' });
  assert.deepEqual(verdictOf(TAKEN, { now: AT_MS + 300_000 }), { kind: 'good' });
  assert.deepEqual(verdictOf(TAKEN, { now: AT_MS - 300_000 }), { kind: 'good' });
});

test('an answer is stale after five minutes, and before', () => {
  assert.deepEqual(verdictOf(TAKEN, { now: AT_MS + 301_000 }), { kind: 'stale', aheadS: -301 });
  assert.deepEqual(verdictOf(TAKEN, { now: AT_MS - 301_000 }), { kind: 'stale', aheadS: 301 });
});

test('an answer by another key, secret or algorithm, or to another request, is forged', () => {
  const forged = { kind: 'forged' };
  assert.deepEqual(verdictOf(TAKEN, { requestMac: NXDOMAIN_MAC }), forged);
  assert.deepEqual(verdictOf(TAKEN, { key: { ...KEY, name: 'other.example.test' } }), forged);
  assert.deepEqual(verdictOf(TAKEN, { key: { ...KEY, secret: Buffer.alloc(32) } }), forged);
  assert.deepEqual(verdictOf(TAKEN, { key: { ...KEY, algorithm: 'hmac-sha512' } }), forged);
});

test('no bit of a signed answer can be turned unseen', () => {
  for (let bit = 0; bit < TAKEN.length * 8; bit++) {
    const bent = Buffer.from(TAKEN);
    bent.writeUInt8(bent.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    try {
      const { kind } = verdictOf(bent);
      // The id of the message is not signed, the original one is (RFC 8945 4.3.2); letters have no case.
      if (bit >= 16 && !isCaseOf(bent, bit >> 3)) assert.notEqual(kind, 'good', `bit ${bit}`);
    } catch (error) {
      if ((error as Error).name === 'AssertionError') throw error;
      // It cannot even be read.
    }
  }
});

function isCaseOf(bent: Buffer, at: number): boolean {
  const [now = '', then = ''] = [bent, TAKEN].map((one) => String.fromCharCode(one.readUInt8(at)));
  return now.toLowerCase() === then.toLowerCase();
}

test("what the server says of our signature is read, with its time where it is the clock's", () => {
  assert.deepEqual(verdictOf(BADTIME), { kind: 'refused', error: 'BADTIME', aheadS: 3600 });
  assert.deepEqual(verdictOf(BADTIME, { key: { ...KEY, secret: Buffer.alloc(32) } }), { kind: 'forged' });
});

test('a message that carries no signature says so', () => {
  const plain = encodeMessage({ id: 1, opcode: OPCODE.QUERY, name: 'example.test', type: TYPE.SOA });
  assert.deepEqual(verdictOf(plain), { kind: 'unsigned' });
});
