/** DNS messages come back as they were written, and what is none is refused whatever it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  CLASS,
  decodeMessage,
  encodeMessage,
  encodeName,
  encodeText,
  OPCODE,
  readName,
  TYPE,
} from '#certs/acme/dns-01/dns-message';

test('names go out in lower case and come back; what is no name does not go out', () => {
  for (const name of ['', 'test', '_acme-challenge.Shop.example.test', `${'a'.repeat(63)}.test`]) {
    const wire = encodeName(name);
    assert.deepEqual(readName(wire, 0), { name: name.toLowerCase(), end: wire.length });
  }
  const long = Array.from({ length: 4 }, () => 'a'.repeat(63)).join('.');
  for (const name of ['a..b', '.', 'a.', `${'a'.repeat(64)}.test`, long]) assert.throws(() => encodeName(name));
});

test('a dot within a label does not make two of it', () => {
  assert.equal(readName(Buffer.from('\x03a.b\x04test\0', 'latin1'), 0).name, 'a\\046b.test');
});

test('compressed names are read; pointers that go round, or ahead, or make too long a name are refused', () => {
  const wire = Buffer.from('\x04test\0\x01a\xc0\x00\x01b\xc0\x06', 'latin1');
  assert.deepEqual(readName(wire, 10), { name: 'b.a.test', end: 14 });
  for (const text of ['\xc0\x00', '\xc0\x02\x00', '\x01a\xc0\x00', '\x40aa', '\x05aa', '\x01']) {
    assert.throws(() => readName(Buffer.from(text, 'latin1'), 0), text);
  }
  const label = `\x3f${'a'.repeat(63)}`;
  assert.throws(() => readName(Buffer.from(`${label.repeat(4)}\0`, 'latin1'), 0), /too long/);
});

test('an update has its records where RFC 2136 wants them', () => {
  const data = encodeText('v');
  const record = { name: 'a.example.test', type: TYPE.TXT, class: CLASS.NONE, ttl: 0, data };
  const wire = encodeMessage({ id: 7, opcode: OPCODE.UPDATE, name: 'example.test', type: TYPE.SOA, records: [record] });
  const { authority, ...read } = decodeMessage(wire);
  assert.deepEqual(read, {
    ...{ id: 7, isAnswer: false, opcode: OPCODE.UPDATE, isAuthoritative: false, rcode: 0, answers: [], additional: [] },
  });
  assert.deepEqual(
    authority.map(({ start, dataStart, ...one }) => ({ ...one, data: one.data.toString('hex') })),
    [{ ...record, data: data.toString('hex') }],
  );
  assert.throws(() => decodeMessage(Buffer.concat([wire, Buffer.of(0)])), /after its last record/);
  for (let end = 0; end < wire.length; end++) assert.throws(() => decodeMessage(wire.subarray(0, end)));
});

test('texts of any length are strings of at most 255 bytes, and at least one', () => {
  assert.deepEqual([...encodeText('')], [0]);
  for (const length of [1, 255, 256, 510, 511]) {
    const wire = encodeText('a'.repeat(length));
    let text = '';
    for (let at = 0; at < wire.length; at += 1 + wire.readUInt8(at)) {
      text += wire.subarray(at + 1, at + 1 + wire.readUInt8(at)).toString();
    }
    assert.equal(text.length, length);
  }
});

test('whatever comes is read or refused, and soon', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeMessage(Buffer.from(bytes));
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }),
    { seed: 2136, numRuns: 2000 },
  );
});
