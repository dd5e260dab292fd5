/** However the octets of a head are split into reads, the outcome is the same, down to the fault. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type HeadOutcome, RequestHead } from '#gateway/http1/request-head';
import { ResponseHead } from '#gateway/http1/response-head';
import { mutated, seeded } from './mutate.ts';
import { REQUEST_VECTORS } from './request-vectors.ts';
import { PLAIN, RESPONSE_VECTORS } from './response-vectors.ts';

interface Scanner {
  readonly fault: string;
  readonly end: number;
}

type Scan = (b: Buffer, start: number, end: number) => HeadOutcome;

/** Scans `text` at `offset` of a buffer with the first octets growing by `steps`, as a lane that keeps what came. */
function arrive(
  scanner: Scanner,
  scan: Scan,
  text: string,
  steps: readonly number[],
  offset: number,
): readonly unknown[] {
  const bytes = Buffer.concat([Buffer.alloc(offset, 'z'), Buffer.from(text, 'latin1')]);
  let outcome: HeadOutcome = 'incomplete';
  let end = offset;
  for (let k = 0; outcome === 'incomplete' && end < bytes.length; k++) {
    end = Math.min(bytes.length, end + (steps[k % steps.length] ?? 1));
    outcome = scan(bytes, offset, end);
  }
  return outcome === 'complete'
    ? [outcome, scanner.end - offset]
    : [outcome, outcome === 'malformed' ? scanner.fault : ''];
}

/** Longer texts are cut into few pieces only: scanning one of them octet by octet costs its square. */
const SHORT_BYTES = 1_000;
const offsets = fc.integer({ min: 0, max: 5 });

function steps(min: number): fc.Arbitrary<number[]> {
  const sizes = fc.oneof(
    fc.integer({ min, max: min + 2 }),
    fc.integer({ min, max: min + 60 }),
    fc.integer({ min, max: 9_000 }),
  );
  return fc.array(sizes, { minLength: 1, maxLength: 6 });
}

function property(scanner: Scanner, scan: Scan, texts: readonly string[], seed: number): void {
  for (const [kept, min, numRuns] of [
    [texts.filter((text) => text.length <= SHORT_BYTES), 1, 6_000],
    [texts.filter((text) => text.length > SHORT_BYTES), 500, 500],
  ] as const) {
    fc.assert(
      fc.property(fc.nat(), steps(min), offsets, fc.boolean(), (n, sizes, offset, mutate) => {
        const plain = kept[n % kept.length] as string;
        const text = mutate ? mutated(plain, kept, seeded(n)) : plain;
        const whole = arrive(scanner, scan, text, [text.length], 0);
        assert.deepEqual(arrive(scanner, scan, text, sizes, offset), whole, JSON.stringify(text.slice(0, 500)));
      }),
      { seed, numRuns },
    );
  }
}

describe('splits into reads', () => {
  test('change nothing about a request', () => {
    const head = new RequestHead();
    property(
      head,
      (b, start, end) => head.scan(b, start, end),
      REQUEST_VECTORS.map((vector) => vector.head),
      11,
    );
  });

  test('change nothing about a response', () => {
    const head = new ResponseHead();
    property(
      head,
      (b, start, end) => head.scan(b, start, end, PLAIN),
      RESPONSE_VECTORS.map((vector) => vector.head),
      12,
    );
  });

  test('one octet at a time change nothing about any vector', () => {
    const head = new RequestHead();
    const scan: Scan = (b, start, end) => head.scan(b, start, end);
    for (const { clause, name, head: text } of REQUEST_VECTORS) {
      if (text.length > SHORT_BYTES) continue;
      assert.deepEqual(
        arrive(head, scan, text, [1], 0),
        arrive(head, scan, text, [text.length], 0),
        `${clause}: ${name}`,
      );
    }
  });
});
