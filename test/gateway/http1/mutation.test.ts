/**
 * 220,000 mutated inputs through every scanner: none crashes, each has one outcome, and what is accepted and rewritten
 * reads the same when it is scanned again. Seeded: a failure names the input and comes back on every run.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ChunkedBody, type ChunkedEvent, type ChunkedOutput } from '#gateway/http1/chunked';
import { RequestHead } from '#gateway/http1/request-head';
import { ResponseHead } from '#gateway/http1/response-head';
import { writeRequestHead } from '#gateway/http1/write-request';
import { writeResponseHead } from '#gateway/http1/write-response';
import { mutated, seeded } from './mutate.ts';
import { REQUEST_VECTORS } from './request-vectors.ts';
import { HEAD, PLAIN, RESPONSE_VECTORS, UPGRADE } from './response-vectors.ts';

const REQUESTS = 120_000;
const RESPONSES = 60_000;
const BODIES = 40_000;
/** Vectors about limits are long and would only be scanned as far as their limit. */
const SEED_MAX_BYTES = 1_000;

const EDITS = { hearsay: true, expect: true, strip: 0, remove: null, add: '' };
const RESPONSE_EDITS = { outgoing: 'same', connection: '', date: '', remove: null, add: '' } as const;

/** Short vectors: those that are accepted, whose mutations are the dangerous ones, and all, which lend pieces. */
function seedsOf(vectors: readonly { readonly head: string; readonly fault?: string }[]): {
  good: string[];
  all: string[];
} {
  const short = vectors.filter((vector) => vector.head.length <= SEED_MAX_BYTES);
  return {
    good: short.filter((vector) => vector.fault === undefined).map((vector) => vector.head),
    all: short.map((vector) => vector.head),
  };
}

/** A rewritten head has CR and LF only as line ends, and its only empty line at its end. */
function assertClean(out: string): void {
  assert.ok(!/\r(?!\n)|(?<!\r)\n|[^\t\r\n\x20-\x7e\x80-\xff]/.test(out), JSON.stringify(out));
  assert.equal(out.indexOf('\r\n\r\n'), out.length - 4, JSON.stringify(out));
}

function facts(head: RequestHead): unknown[] {
  return [
    head.method,
    head.target,
    head.path,
    head.query,
    head.hostname,
    head.port,
    head.framing,
    head.contentLength,
    head.websocket,
    head.expect100,
  ];
}

describe('mutated inputs', () => {
  test(`${REQUESTS} requests: one outcome each, and the same meaning after rewriting`, () => {
    const { good, all } = seedsOf(REQUEST_VECTORS);
    const random = seeded(1);
    const head = new RequestHead();
    const again = new RequestHead();
    let accepted = 0;
    for (let n = 0; n < REQUESTS; n++) {
      const from = random(4) === 0 ? all : good;
      const text = mutated(from[random(from.length)] as string, all, random);
      const bytes = Buffer.from(text, 'latin1');
      const outcome = head.scan(bytes, 0, bytes.length);
      if (outcome === 'malformed') {
        assert.ok(head.status >= 400);
        continue;
      }
      if (outcome === 'incomplete') continue;
      accepted++;
      assert.ok(head.end <= bytes.length);
      const out = writeRequestHead(head, EDITS);
      assertClean(out);
      // An HTTP/1.0 request without Host is nobody's; it only has to be clean.
      if (head.hostname === '') continue;
      const rewritten = Buffer.from(out, 'latin1');
      assert.equal(
        again.scan(rewritten, 0, rewritten.length),
        'complete',
        `${JSON.stringify(text)} → ${JSON.stringify(out)}: ${again.fault}`,
      );
      assert.equal(again.end, rewritten.length);
      assert.deepEqual(facts(again), facts(head), JSON.stringify(text));
    }
    assert.ok(accepted > REQUESTS / 20, `${accepted} accepted`);
  });

  test(`${RESPONSES} responses: one outcome each, and the same meaning after rewriting`, () => {
    const { good, all } = seedsOf(RESPONSE_VECTORS);
    const random = seeded(2);
    const head = new ResponseHead();
    const again = new ResponseHead();
    let accepted = 0;
    for (let n = 0; n < RESPONSES; n++) {
      const from = random(4) === 0 ? all : good;
      const text = mutated(from[random(from.length)] as string, all, random);
      const asked = [PLAIN, PLAIN, HEAD, UPGRADE][random(4)] ?? PLAIN;
      const bytes = Buffer.from(text, 'latin1');
      if (head.scan(bytes, 0, bytes.length, asked) !== 'complete') continue;
      accepted++;
      const out = writeResponseHead(head, RESPONSE_EDITS);
      assertClean(out);
      const rewritten = Buffer.from(out, 'latin1');
      assert.equal(
        again.scan(rewritten, 0, rewritten.length, asked),
        'complete',
        `${JSON.stringify(text)} → ${JSON.stringify(out)}: ${again.fault}`,
      );
      assert.deepEqual(
        [again.status, again.reason, again.framing, again.contentLength, again.switched],
        [head.status, head.reason, head.framing, head.contentLength, head.switched],
        JSON.stringify(text),
      );
    }
    assert.ok(accepted > RESPONSES / 20, `${accepted} accepted`);
  });

  test(`${BODIES} chunked bodies: the same reading whole and cut, and after forwarding`, () => {
    const seeds = [
      '5\r\nhello\r\n0\r\n\r\n',
      'a;x="y"\r\n0123456789\r\n1\r\nz\r\n0\r\n\r\n',
      '1\r\na\r\n0\r\nA: b\r\nC: d\r\n\r\n',
      '4 ;a;b=c\r\n\r\n\r\n\r\n000\r\nX-Sum: 1\r\n\r\n',
    ];
    const random = seeded(3);
    let accepted = 0;
    for (let n = 0; n < BODIES; n++) {
      const text = `${mutated(seeds[random(seeds.length)] as string, seeds, random)}GET /next`;
      const payload = read('payload', text, text.length);
      assert.deepEqual(read('payload', text, 1 + random(4)), payload, JSON.stringify(text));
      if (payload.event !== 'done') continue;
      accepted++;
      const wire = read('wire', text, 1 + random(12));
      assert.deepEqual([wire.event, wire.read], ['done', payload.read], JSON.stringify(text));
      assert.deepEqual(
        read('payload', wire.out, wire.out.length),
        { ...payload, read: wire.out.length },
        JSON.stringify(text),
      );
    }
    assert.ok(accepted > BODIES / 20, `${accepted} accepted`);
  });
});

const body = new ChunkedBody();

/** Reads `text` in steps of `step` octets. */
function read(
  output: ChunkedOutput,
  text: string,
  step: number,
): { out: string; event: string; read: number; trailers: readonly string[] } {
  const bytes = Buffer.from(text, 'latin1');
  let event: ChunkedEvent = 'more';
  let out = '';
  let at = 0;
  body.start(output);
  for (let end = step; event === 'more'; end += step) {
    do {
      at = body.scan(bytes, at, Math.min(end, bytes.length));
      event = body.event;
      out += bytes.toString('latin1', body.partStart, body.partEnd);
    } while (event === 'part');
    if (end >= bytes.length) break;
  }
  return { out: out + body.tail, event, read: at, trailers: body.trailers };
}
