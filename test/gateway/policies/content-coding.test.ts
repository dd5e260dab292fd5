/** Which answers are compressed, how, and what their heads say then. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codingFor, encodeHead, isCompressible, isWorthCoding, varyByCoding } from '#gateway/policies/content-coding';
import { responseHead, writtenResponse } from './heads.ts';

const ALL = ['zstd', 'br', 'gzip'] as const;
const HTML = 'Content-Type: text/html; charset=utf-8';
const CHUNKED = 'Transfer-Encoding: chunked';

test('the client has what it likes best, and among equals the first of ours', () => {
  const cases: readonly (readonly [string | undefined, string | null])[] = [
    ['gzip, deflate, br, zstd', 'zstd'],
    ['gzip, deflate, br', 'br'],
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
    ['br;q=0.5, gzip;q=0.8', 'gzip'],
    ['br; q=0.5 , gzip ; q=0.5', 'br'],
    ['*', 'zstd'],
    ['zstd;q=0, *;q=0.1', 'br'],
    ['zstd;q=0, identity;q=0, *;q=0.1', 'br'],
    ['gzip;q=0', null],
    ['gzip;q=nonsense', null],
    ['gzip;q=0.5, identity', null],
    ['identity', null],
    ['deflate', null],
    ['', null],
    [undefined, null],
  ];
  for (const [accept, coding] of cases) assert.equal(codingFor(accept, ALL), coding, accept);
  assert.equal(codingFor('gzip, br', ['gzip']), 'gzip');
});

test('text is compressible, and nothing that is encoded, partial or streams events', () => {
  for (const type of ['text/plain', 'application/json', 'application/problem+json', 'image/svg+xml', 'TEXT/CSS']) {
    assert.equal(isWorthCoding(responseHead([`Content-Type: ${type}`, CHUNKED])), true, type);
  }
  for (const type of ['image/png', 'video/mp4', 'application/zip', 'text/event-stream', 'application/octet-stream']) {
    assert.equal(isCompressible(responseHead([`Content-Type: ${type}`, CHUNKED])), false, type);
  }
  assert.equal(isCompressible(responseHead([CHUNKED])), false);
  assert.equal(isCompressible(responseHead([HTML, 'Content-Encoding: gzip', CHUNKED])), false);
  assert.equal(isWorthCoding(responseHead([HTML, 'Content-Encoding: identity', CHUNKED])), true);
  assert.equal(isWorthCoding(responseHead([HTML, 'Cache-Control: public, No-Transform', CHUNKED])), false);
  assert.equal(isWorthCoding(responseHead([HTML, 'Content-Range: bytes 0-1999/5000', CHUNKED], 206)), false);
  assert.equal(isWorthCoding(responseHead([HTML, 'Content-Length: 1023'])), false);
  assert.equal(isWorthCoding(responseHead([HTML, 'Content-Length: 1024'])), true);
  assert.equal(isWorthCoding(responseHead([HTML], 204)), false);
  assert.equal(isWorthCoding(responseHead([HTML], 304)), false);
  assert.equal(isWorthCoding(responseHead([HTML, CHUNKED], 404)), true);
});

test('the head of a compressed answer says nothing that was true of the plain octets alone', () => {
  const plain = ['ETag: "v1"', 'Content-Length: 5000', 'Accept-Ranges: bytes', 'Content-MD5: x', 'Content-Digest: y'];
  const head = responseHead([HTML, ...plain, 'X-A: 1']);
  assert.equal(encodeHead(head, 'br'), true);
  assert.deepEqual(writtenResponse(head), [
    HTML,
    'X-A: 1',
    'Content-Encoding: br',
    'ETag: W/"v1"',
    'Vary: Accept-Encoding',
    CHUNKED,
  ]);
});

test('however the body was framed it leaves in chunks, or to the end of the connection', () => {
  for (const framing of [['Content-Length: 5000'], [CHUNKED], []]) {
    const head = responseHead([HTML, ...framing]);
    encodeHead(head, 'gzip');
    assert.equal(writtenResponse(head).filter((line) => line === CHUNKED).length, 1, framing[0]);
    const old = responseHead([HTML, ...framing]);
    encodeHead(old, 'gzip');
    assert.deepEqual(
      writtenResponse(old, 0).filter((line) => /^(?:transfer-encoding|content-length)/i.test(line)),
      [],
    );
  }
});

test('a weak ETag stays as it is', () => {
  const head = responseHead([HTML, 'ETag: W/"v1"', CHUNKED]);
  encodeHead(head, 'gzip');
  assert.ok(writtenResponse(head).includes('ETag: W/"v1"'));
});

test('an answer that says already what it varies by is not told twice', () => {
  for (const vary of ['Vary: *', 'Vary: Cookie, accept-encoding']) {
    const head = responseHead([HTML, CHUNKED, vary]);
    varyByCoding(head);
    assert.deepEqual(
      writtenResponse(head).filter((line) => line.startsWith('Vary')),
      [vary],
    );
  }
  const other = responseHead([HTML, CHUNKED, 'Vary: Cookie']);
  varyByCoding(other);
  assert.ok(writtenResponse(other).includes('Vary: Accept-Encoding'));
});

test('a head that is full is left as it is', () => {
  const head = responseHead([HTML, CHUNKED, ...Array.from({ length: 253 }, (_, i) => `X-${i}: 1`)]);
  const before = writtenResponse(head);
  assert.equal(encodeHead(head, 'gzip'), false);
  assert.deepEqual(writtenResponse(head), before);
});
