/**
 * Whatever we accept and rewrite parses under Node's own parser to exactly one message with the same meaning: a second
 * request sent right behind it is found where we say it begins, and nothing else is found before.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ChunkedBody, type ChunkedEvent, type ChunkedOutput } from '#gateway/http1/chunked';
import { RequestHead } from '#gateway/http1/request-head';
import { type Asked, ResponseHead } from '#gateway/http1/response-head';
import { type RequestEdits, writeRequestHead } from '#gateway/http1/write-request';
import { outgoingFor, writeResponseHead } from '#gateway/http1/write-response';
import { mutated, seeded } from './mutate.ts';
import { nodeRequests, nodeResponse } from './node-reading.ts';
import { REQUEST_VECTORS } from './request-vectors.ts';
import { HEAD, PLAIN, RESPONSE_VECTORS, UPGRADE } from './response-vectors.ts';

const ADDED = ['X-Forwarded-For', '192.0.2.1'] as const;
const EDITS: RequestEdits = { hearsay: true, expect: true, strip: 0, remove: null, add: `${ADDED.join(': ')}\r\n` };
const NEXT = 'GET /next HTTP/1.1\r\nHost: next.test\r\nConnection: close\r\n\r\n';
/** Node refuses heads near our own limit once lines are added. */
const HEAD_MAX_BYTES = 8_000;
const CHUNKS = [
  '0\r\n\r\n',
  '5\r\nhello\r\n0\r\n\r\n',
  '00a;x="\\"y" ; z\r\n0123456789\r\n2\r\n\r\n\r\n0;e\r\n\r\n',
  '1\r\na\r\n0\r\nX-Sum: 1\r\nSet-Cookie: evil\r\nX-Odd:\t2 \r\n\r\n',
] as const;

function chunked(output: ChunkedOutput, text: string): string {
  const body = new ChunkedBody();
  const bytes = Buffer.from(text, 'latin1');
  let event: ChunkedEvent = 'part';
  let out = '';
  body.start(output);
  for (let at = 0; event === 'part'; event = body.event) {
    at = body.scan(bytes, at, bytes.length);
    out += bytes.toString('latin1', body.partStart, body.partEnd);
  }
  assert.equal(event, 'done');
  return out + body.tail;
}

/** Lower-case names with values, sorted: what a head says, whatever order it says it in. */
function sorted(fields: readonly string[]): string[] {
  const lines: string[] = [];
  for (let i = 0; i < fields.length; i += 2) lines.push(`${fields[i]?.toLowerCase()}: ${fields[i + 1]}`);
  return lines.sort();
}

const head = new RequestHead();

/** Forwards `text` as a lane would and asks Node what it sees; false if we do not accept the head. */
async function checkRequest(text: string, pick: number): Promise<boolean> {
  const bytes = Buffer.from(text, 'latin1');
  if (head.scan(bytes, 0, bytes.length) !== 'complete' || head.hostname === '' || head.end > HEAD_MAX_BYTES)
    return false;
  if (head.framing === 'length' && head.contentLength > 1_000) return false;
  const out = writeRequestHead(head, EDITS);
  const { method, target, framing, contentLength, websocket } = head;
  const authority = head.authority;
  const chunks = CHUNKS[pick % CHUNKS.length] as string;
  const sent = framing === 'chunked' ? chunked('wire', chunks) : 'G'.repeat(contentLength);
  const body = framing === 'chunked' ? chunked('payload', chunks) : sent;
  const { seen, error } = await nodeRequests(Buffer.from(out + sent + NEXT, 'latin1'));
  const context = `${JSON.stringify(text)} → ${JSON.stringify(out)}`;
  assert.equal(error, '', context);
  assert.equal(seen.length, websocket ? 1 : 2, context);
  const [first, second] = seen;
  assert.ok(first !== undefined, context);
  assert.deepEqual([first.method, first.url, first.upgrade], [method, target, websocket], context);
  assert.equal(first.body, websocket ? NEXT : body, context);
  const lines = sorted(first.fields);
  assert.deepEqual(
    lines.filter((line) => line.startsWith('host: ')),
    [`host: ${authority}`],
    context,
  );
  assert.deepEqual(
    lines.filter((line) => line.startsWith('x-forwarded-for: ')),
    ['x-forwarded-for: 192.0.2.1'],
    context,
  );
  const hop = lines.filter((line) => /^(?:te|keep-alive|proxy-connection|connection|upgrade): /.test(line));
  assert.deepEqual(hop, websocket ? ['connection: Upgrade', 'upgrade: websocket'] : [], context);
  if (!websocket) assert.equal(second?.url, '/next', context);
  return true;
}

const names = fc.constantFrom(
  ...[
    'Accept',
    'Cookie',
    'Connection',
    'Content-Length',
    'Transfer-Encoding',
    'TE',
    'Upgrade',
    'Expect',
    'Trailer',
    'Keep-Alive',
    'X-Hop',
  ],
  ...[
    'Host',
    'X-Forwarded-For',
    'x_forwarded_for',
    'Proxy-Connection',
    'Max-Forwards',
    'Range',
    'X-Request-Id',
    "!#$%&'*+-.^_`|~",
  ],
);
const values = fc.constantFrom(
  ...[
    '',
    'x',
    'a, b',
    '5',
    '0',
    '05',
    'chunked',
    'Chunked',
    'close',
    'keep-alive',
    'x-hop',
    'Upgrade',
    'close, X-Hop',
    'websocket',
  ],
  ...['100-continue', 'trailers', '\xe4\xff', 'a\tb', '"q\\"', 'app.test'],
);
const spaces = fc.constantFrom(' ', '', '  ', '\t', ' \t');
const fieldLine = fc
  .tuple(names, spaces, values, spaces)
  .map(([name, before, value, after]) => `${name}:${before}${value}${after}\r\n`);
const targets = fc.constantFrom(
  '/',
  '/a?b',
  '//x/../y;z',
  '/%2e%2e/|[]^',
  '/?{}|\\^`',
  '*',
  'http://app.test/a',
  'https://APP.test',
  "/!$&'()*+,;=:@",
);
const requests = fc
  .tuple(
    fc.constantFrom('GET', 'POST', 'HEAD', 'OPTIONS', 'DELETE', 'QUERY', 'M-SEARCH'),
    targets,
    fc.constantFrom('1.1', '1.1', '1.0', '1.9'),
    fc.array(fieldLine, { maxLength: 6 }),
  )
  .map(
    ([method, target, version, lines]) =>
      `${method} ${target} HTTP/${version}\r\nHost: app.test\r\n${lines.join('')}\r\n`,
  );

describe('a forwarded request', () => {
  test('from every accepted vector is what Node sees', async () => {
    let checked = 0;
    for (const vector of REQUEST_VECTORS) {
      if (vector.fault === undefined && (await checkRequest(vector.head, checked))) checked++;
    }
    assert.ok(checked > 120, `${checked} checked`);
  });

  test('from mutated vectors is what Node sees', async () => {
    const all = REQUEST_VECTORS.map((vector) => vector.head).filter((text) => text.length < 1_000);
    const good = REQUEST_VECTORS.filter((vector) => vector.fault === undefined && vector.head.length < 1_000);
    const random = seeded(21);
    let checked = 0;
    for (let n = 0; n < 20_000 && checked < 1_200; n++) {
      const text = mutated(good[random(good.length)]?.head ?? '', all, random);
      if (await checkRequest(text, n)) checked++;
    }
    assert.equal(checked, 1_200);
  });

  test('put together from awkward parts is what Node sees', async () => {
    let checked = 0;
    await fc.assert(
      fc.asyncProperty(requests, fc.nat(3), async (text, pick) => {
        if (await checkRequest(text, pick)) checked++;
      }),
      { seed: 22, numRuns: 2_500 },
    );
    assert.ok(checked > 500, `${checked} checked`);
  });
});

const answer = new ResponseHead();

async function checkResponse(text: string, asked: Asked, pick: number): Promise<boolean> {
  const bytes = Buffer.from(text, 'latin1');
  if (answer.scan(bytes, 0, bytes.length, asked) !== 'complete' || answer.informational) return false;
  if (answer.end > HEAD_MAX_BYTES || answer.contentLength > 1_000) return false;
  const outgoing = outgoingFor(answer, 1);
  const out = writeResponseHead(answer, { outgoing, connection: '', date: 'Date: now\r\n', remove: null, add: '' });
  const { status, reason, framing } = answer;
  const chunks = CHUNKS[pick % CHUNKS.length] as string;
  const plain = framing === 'length' ? 'G'.repeat(answer.contentLength) : '';
  const sent = framing === 'chunked' ? chunked('wire', chunks) : framing === 'close' ? '3\r\nabc\r\n0\r\n\r\n' : plain;
  const body = framing === 'chunked' ? chunked('payload', chunks) : framing === 'close' ? 'abc' : plain;
  const seen = await nodeResponse(Buffer.from(out + sent, 'latin1'), asked.isHead ? 'HEAD' : 'GET');
  const context = `${JSON.stringify(text)} → ${JSON.stringify(out)}`;
  assert.ok(typeof seen !== 'string', `${context}: ${seen}`);
  assert.deepEqual([seen.status, seen.reason, seen.body], [status, reason, body], context);
  if (status !== 101) assert.equal(seen.complete, true, context);
  return true;
}

describe('a forwarded response', () => {
  test('from every accepted vector is what Node sees', async () => {
    let checked = 0;
    for (const { head: text, asked, fault } of RESPONSE_VECTORS) {
      if (fault === undefined && (await checkResponse(text, asked, checked))) checked++;
    }
    assert.ok(checked > 30, `${checked} checked`);
  });

  test('from mutated vectors is what Node sees', async () => {
    const all = RESPONSE_VECTORS.map((vector) => vector.head).filter((text) => text.length < 1_000);
    const good = RESPONSE_VECTORS.filter((vector) => vector.fault === undefined);
    const random = seeded(23);
    let checked = 0;
    for (let n = 0; n < 20_000 && checked < 800; n++) {
      const text = mutated(good[random(good.length)]?.head ?? '', all, random);
      if (await checkResponse(text, [PLAIN, HEAD, UPGRADE][random(3)] ?? PLAIN, n)) checked++;
    }
    assert.equal(checked, 800);
  });
});
