/** HPACK read as RFC 7541 writes it: its own examples, its limits, and what is no HPACK. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HpackDecoder } from '#gateway/http2/hpack/decoder';

const LIMITS = { listMaxBytes: 20_480, blockMaxBytes: 16_384 };

function decode(decoder: HpackDecoder, hex: string): string[] {
  const octets = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  assert.equal(decoder.decode(octets, 0, octets.length), 'complete');
  return [...decoder.fields];
}

const FIRST = [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com'];
const SECOND = [...FIRST, 'cache-control', 'no-cache'];
const THIRD = [
  ':method',
  'GET',
  ':scheme',
  'https',
  ':path',
  '/index.html',
  ':authority',
  'www.example.com',
  'custom-key',
  'custom-value',
];
const ANSWER = (status: string, date: string): string[] => [
  ':status',
  status,
  'cache-control',
  'private',
  'date',
  `Mon, 21 Oct 2013 20:13:${date} GMT`,
  'location',
  'https://www.example.com',
];
const COOKIE = ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'];
const LAST = [...ANSWER('200', '22'), 'content-encoding', 'gzip', ...COOKIE];

describe('the examples of RFC 7541 Appendix C', () => {
  test('C.2: fields one by one', () => {
    const one = (hex: string): string[] => decode(new HpackDecoder(LIMITS), hex);
    assert.deepEqual(one('400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572'), [
      'custom-key',
      'custom-header',
    ]);
    assert.deepEqual(one('040c 2f73 616d 706c 652f 7061 7468'), [':path', '/sample/path']);
    assert.deepEqual(one('1008 7061 7373 776f 7264 0673 6563 7265 74'), ['password', 'secret']);
    assert.deepEqual(one('82'), [':method', 'GET']);
  });

  test('C.3: requests without Huffman code', () => {
    const decoder = new HpackDecoder(LIMITS);
    assert.deepEqual(decode(decoder, '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d'), FIRST);
    assert.deepEqual(decode(decoder, '8286 84be 5808 6e6f 2d63 6163 6865'), SECOND);
    assert.deepEqual(
      decode(decoder, '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65'),
      THIRD,
    );
  });

  test('C.4: requests with Huffman code', () => {
    const decoder = new HpackDecoder(LIMITS);
    assert.deepEqual(decode(decoder, '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff'), FIRST);
    assert.deepEqual(decode(decoder, '8286 84be 5886 a8eb 1064 9cbf'), SECOND);
    assert.deepEqual(decode(decoder, '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf'), THIRD);
  });

  test('C.5: answers without Huffman code, in a table of 256 octets', () => {
    const decoder = new HpackDecoder(LIMITS);
    const first =
      '3fe101 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 ' +
      '474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d';
    assert.deepEqual(decode(decoder, first), ANSWER('302', '21'));
    assert.deepEqual(decode(decoder, '4803 3330 37c1 c0bf'), ANSWER('307', '21'));
    const last =
      '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d ' +
      '4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 ' +
      '7369 6f6e 3d31';
    assert.deepEqual(decode(decoder, last), LAST);
  });

  test('C.6: answers with Huffman code, in a table of 256 octets', () => {
    const decoder = new HpackDecoder(LIMITS);
    const first =
      '3fe101 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 ' +
      '63c7 8f0b 97c8 e9ae 82ae 43d3';
    assert.deepEqual(decode(decoder, first), ANSWER('302', '21'));
    assert.deepEqual(decode(decoder, '4883 640e ffc1 c0bf'), ANSWER('307', '21'));
    const last =
      '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf ' +
      'cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07';
    assert.deepEqual(decode(decoder, last), LAST);
  });
});

describe('what is no HPACK', () => {
  const malformed: Readonly<Record<string, string>> = {
    'index 0': '80',
    'an index beyond both tables': 'be',
    'a name beyond both tables': '7e0161',
    'a block that ends in an index': 'ff',
    'a block that ends after a name': '4001 61',
    'a name without its octets': '4005 6162',
    'a value without its octets': '4001 6105 62',
    'an integer without end': 'ff ffff ffff ffff ffff ffff',
    'an absurd integer': 'ff ffff ffff 0f',
    'Huffman code with EOS': '0001 6184 ffff ffff',
    'Huffman padding of eight bits': '0001 6182 1fff',
    'Huffman padding with a zero': '0001 6181 18',
    'a table larger than ours': '3fe2 1f',
    'a change of the table behind a field': '82 20',
  };
  for (const [name, hex] of Object.entries(malformed)) {
    test(`${name} is malformed`, () => {
      const octets = Buffer.from(hex.replaceAll(' ', ''), 'hex');
      assert.equal(new HpackDecoder(LIMITS).decode(octets, 0, octets.length), 'malformed');
    });
  }
});

describe('a list that is too large', () => {
  test('is kept no further, and leaves the table as it should be', () => {
    const decoder = new HpackDecoder({ listMaxBytes: 1000, blockMaxBytes: 16_384 });
    // One entry of 500 octets, and then a thousand mentions of it.
    const bomb = Buffer.concat([Buffer.from('4001617ff502', 'hex'), Buffer.alloc(500, 'x'), Buffer.alloc(1000, 0xbe)]);
    bomb[3] = 0x7f;
    bomb[4] = ((500 - 127) & 0x7f) | 0x80;
    bomb[5] = (500 - 127) >> 7;
    assert.equal(decoder.decode(bomb, 0, bomb.length), 'too-large');
    assert.equal(decoder.fields.length, 2);
    assert.deepEqual(decode(decoder, 'be'), ['a', 'x'.repeat(500)]);
  });

  test('a field larger than the table empties it', () => {
    const decoder = new HpackDecoder(LIMITS);
    decode(decoder, '4001 6101 62');
    decode(decoder, '21 4001 6301 64'.replace('21', '3f01'));
    const octets = Buffer.from('be', 'hex');
    assert.equal(decoder.decode(octets, 0, 1), 'malformed');
  });
});
