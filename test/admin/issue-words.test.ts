/** Faults of requests, in words that say what to write instead. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { z } from '@hono/zod-openapi';
import { wordsOf } from '#admin/issue-words';

const Schema = z.object({
  name: z.string().min(1).max(5).optional(),
  min: z.number().int().min(0).max(9).optional(),
  share: z.number().positive().lt(1).optional(),
  kind: z.enum(['a', 'b']).optional(),
  at: z.iso.datetime().optional(),
  list: z.array(z.string()).max(1).optional(),
  size: z.union([z.number(), z.string()]).optional(),
  on: z.boolean().optional(),
  must: z.string(),
  own: z
    .string()
    .refine((one) => one === 'x', 'is x and nothing else')
    .optional(),
});

for (const [what, value, words] of [
  ['a text for a number', { min: '3' }, 'has to be a number, and is a text of 1 character'],
  ['a fraction', { min: 1.5 }, 'has to be a whole number, and is a fraction'],
  ['a number that is too small', { min: -1 }, 'has to be at least 0, and is -1'],
  ['a number that is too big', { min: 10 }, 'has to be at most 9, and is 10'],
  ['a number on a bound that is not of it', { share: 0 }, 'has to be more than 0, and is 0'],
  ['the same at the other end', { share: 1 }, 'has to be less than 1, and is 1'],
  ['a text that is too long', { name: 'abcdef' }, 'has to be at most 5 characters long, and is a text of 6 characters'],
  ['a word that is none of the choice', { kind: 'c' }, 'has to be one of a, b, and is "c"'],
  [
    'a text that is no time',
    { at: 'now' },
    'has to be a time such as 2026-01-31T12:00:00Z, and is a text of 3 characters',
  ],
  ['a list that is too long', { list: ['a', 'b'] }, 'has to be a list of at most 1 entry, and is a list'],
  ['neither of two kinds', { size: true }, 'has to be a number or a text, and is true or false'],
  ['null', { on: null }, 'has to be true or false, and is null'],
  ['something that is missing', { must: undefined }, 'is missing: it has to be a text'],
  ['what a schema says itself', { own: 'y' }, 'is x and nothing else'],
] as const) {
  test(`${what} is told with what it has to be`, () => {
    const whole = { must: 'm', ...value };
    const [issue, ...others] = Schema.safeParse(whole).error?.issues ?? [];
    assert.ok(issue);
    assert.deepEqual(others, []);
    assert.equal(wordsOf(issue, whole), words);
  });
}

test('a value of the wrong kind is not repeated: it may be a secret', () => {
  const whole = { must: 12_345 };
  const issue = Schema.safeParse(whole).error?.issues[0];
  assert.ok(issue);
  assert.doesNotMatch(wordsOf(issue, whole), /12/);
});
