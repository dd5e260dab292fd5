/** What the encoder writes, read again: by our own decoder here, by nghttp2 in the tests of the lane. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HpackDecoder } from '#gateway/http2/hpack/decoder';
import { HpackEncoder } from '#gateway/http2/hpack/encoder';

const LIMITS = { listMaxBytes: 1_000_000, blockMaxBytes: 65_536 };
const SEED = 20_261_128;

/** An encoder and the decoder at its other end. */
class Pair {
  readonly encoder = new HpackEncoder();
  readonly #decoder = new HpackDecoder(LIMITS);
  readonly #b = Buffer.alloc(65_536);

  /** Sends a list; tells how many octets that took. */
  pass(status: number, list: readonly string[]): number {
    let at = this.encoder.status(this.#b, this.encoder.begin(this.#b, 0), status);
    for (let i = 0; i < list.length; i += 2) at = this.encoder.field(this.#b, at, list[i] ?? '', list[i + 1] ?? '');
    assert.equal(this.#decoder.decode(this.#b, 0, at), 'complete');
    const lower = list.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text));
    assert.deepEqual(this.#decoder.fields, [':status', String(status), ...lower]);
    return at;
  }
}

/** Numbers 0 ≤ n < 1 that are the same in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
}

test('any fields come through, whatever was sent before and however the table changes', () => {
  const random = seeded(SEED);
  const pick = (count: number): number => Math.floor(random() * count);
  for (let run = 0; run < 30; run++) {
    const pair = new Pair();
    for (let message = 0; message < 60; message++) {
      if (random() < 0.05) pair.encoder.allow([0, 40, 200, 4096, 100_000][pick(5)] ?? 0);
      const list: string[] = [];
      for (let field = pick(12); field > 0; field--) {
        const name = ['Server', 'content-type', 'X-A', 'x-b', `x-${pick(300)}`, 'Set-Cookie', 'date'][pick(7)] ?? '';
        const length = random() < 0.1 ? pick(1200) : pick(40);
        const value = Buffer.from(Array.from({ length }, () => 1 + pick(random() < 0.5 ? 3 : 255)));
        list.push(name, random() < 0.5 ? 'the same' : value.toString('latin1'));
      }
      pair.pass([200, 204, 302, 404, 418][pick(5)] ?? 200, list);
    }
  }
});

test('fields that come again are one octet each', () => {
  const pair = new Pair();
  const list = ['Server', 'app', 'Content-Type', 'text/plain', 'X-Own', 'value', 'Date', 'today'];
  assert.ok(pair.pass(200, list) > 20);
  assert.equal(pair.pass(200, list), 5);
});

test('a name whose value never comes again stops taking room from the others', () => {
  const pair = new Pair();
  pair.pass(200, ['server', 'app']);
  for (let i = 0; i < 500; i++) pair.pass(200, ['etag', `"${i} ${'x'.repeat(100)}"`]);
  assert.equal(pair.pass(200, ['server', 'app']), 2);
});

test('cookies are not put into the table', () => {
  const pair = new Pair();
  const first = pair.pass(200, ['set-cookie', 'secret=1']);
  assert.equal(pair.pass(200, ['set-cookie', 'secret=1']), first);
});
