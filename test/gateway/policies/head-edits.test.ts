/** Edits on scanned heads: what is written is what was asked for, and can be read in one way only. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { REQUEST_FIELDS_MAX } from '#gateway/http1/request-head';
import { FieldRules } from '#gateway/policies/field-rules';
import { addField, dropFields } from '#gateway/policies/head-edits';
import { requestHead, responseHead, writtenRequest, writtenResponse } from './heads.ts';

const SEED = 20_261_129;

test('lines are dropped by name, however they are spelled, and others are added behind', () => {
  const head = requestHead(['X-Debug: 1', 'Accept: */*', 'x_debug:2', 'X-Other:  3']);
  dropFields(head.lines, new Set(['x-debug']));
  assert.equal(addField(head.lines, 'X-Env', 'production'), true);
  assert.deepEqual(writtenRequest(head), ['Host: app.test', 'Accept: */*', 'X-Other: 3', 'X-Env: production']);
  assert.equal(head.field('x-env'), 'production');
});

test('a field that is set takes the place of all lines of its name', () => {
  const rules = new FieldRules({ set: [['Server', 'edge']], remove: ['x-powered-by'] });
  const head = responseHead(['Server: a', 'X-Powered-By: b', 'Content-Length: 2', 'server: c']);
  rules.edit(head.lines);
  assert.deepEqual(writtenResponse(head), ['Content-Length: 2', 'Server: edge']);
});

test('a head without a single line takes lines', () => {
  const head = responseHead([], 204);
  addField(head.lines, 'X-A', '1');
  addField(head.lines, 'X-B', '2');
  assert.deepEqual(writtenResponse(head), ['X-A: 1', 'X-B: 2']);
});

test('a head that is full takes no more and stays as it was', () => {
  const lines = Array.from({ length: REQUEST_FIELDS_MAX - 2 }, (_, i) => `X-${i}: ${i}`);
  const head = requestHead(lines);
  assert.equal(addField(head.lines, 'X-Last', '1'), true);
  assert.equal(addField(head.lines, 'X-Surplus', '1'), false);
  assert.deepEqual(writtenRequest(head), ['Host: app.test', ...lines, 'X-Last: 1']);
});

test('whatever is removed and set, framing and Host stay and the head has one reading', () => {
  const name = fc.constantFrom('X-A', 'x-b', 'X_C', 'Accept', 'Cookie');
  const value = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/);
  const line = fc.tuple(name, value).map(([field, text]) => `${field}: ${text}`);
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 10 }),
      fc.uniqueArray(fc.tuple(name, value), { maxLength: 4, selector: ([field]) => field.toLowerCase() }),
      fc.array(name, { maxLength: 3 }),
      (lines, set, remove) => {
        const head = requestHead([...lines, 'Content-Length: 5'], 'POST /a?b HTTP/1.1');
        new FieldRules({ set, remove }).edit(head.lines);
        const fold = (text: string): string => text.split(':')[0]?.toLowerCase().replaceAll('_', '-') ?? '';
        const gone = new Set([...remove, ...set.map(([field]) => field)].map(fold));
        const kept = lines.filter((one) => !gone.has(fold(one)));
        assert.deepEqual(writtenRequest(head), [
          'Host: app.test',
          ...kept,
          'Content-Length: 5',
          ...set.map(([field, text]) => `${field}: ${text}`),
        ]);
      },
    ),
    { seed: SEED, numRuns: 300 },
  );
});
