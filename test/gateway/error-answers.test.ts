/** The gateway's own answers: for people and for programs, each with its code and without a trace of the inside. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { errorAnswer, GATEWAY_ERRORS, type GatewayErrorCode, prefersHtml } from '#gateway/error-answer';
import { onEveryLane } from './support/rig.ts';

const CODES = Object.keys(GATEWAY_ERRORS) as GatewayErrorCode[];

test('Accept decides between a page and problem details', () => {
  const cases = [
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true],
    ['text/html', true],
    ['text/html;q=0.5, application/json;q=0.4', true],
    ['text/html;q=0.4, application/json;q=0.5', false],
    ['application/problem+json, text/html;q=0.9', false],
    ['text/html;q=0', false],
    ['text/plain', false],
    ['*/*', false],
    ['application/json', false],
    [undefined, false],
  ] as const;
  for (const [accept, html] of cases) assert.equal(prefersHtml(accept), html, accept);
});

test('every error has a page and problem details that name it and the request', () => {
  for (const code of CODES) {
    const { status, title } = GATEWAY_ERRORS[code];
    const page = errorAnswer({ code, requestId: 'r-1', html: true, retryAfterS: null });
    const text = page.body.toString();
    assert.equal(page.status, status);
    assert.ok(text.includes(title) && text.includes(code) && text.includes('r-1'));
    const problem = errorAnswer({ code, requestId: 'r-1', html: false, retryAfterS: 7 });
    const { detail, ...facts } = JSON.parse(problem.body.toString());
    assert.deepEqual(facts, { type: 'about:blank', title, status, code, request_id: 'r-1' });
    assert.ok(detail.length > 10);
    for (const { fields } of [page, problem]) {
      assert.equal(fields[fields.indexOf('X-Tidegate-Error') + 1], code);
      assert.equal(fields[fields.indexOf('X-Request-Id') + 1], 'r-1');
    }
    assert.equal(problem.fields[problem.fields.indexOf('Retry-After') + 1], '7');
    assert.ok(!page.fields.includes('Retry-After'));
  }
});

test('the page’s policy allows its style and nothing else', () => {
  const { fields, body } = errorAnswer({ code: 'no_route', requestId: 'r', html: true, retryAfterS: null });
  const style = /<style>([\s\S]*)<\/style>/.exec(body.toString())?.[1] ?? '';
  const hash = createHash('sha256').update(style).digest('base64');
  const policy = fields[fields.indexOf('Content-Security-Policy') + 1] ?? '';
  assert.ok(policy.includes(`default-src 'none'; style-src 'sha256-${hash}'`), `the style has the hash ${hash}`);
});

onEveryLane('browsers get a page, programs get problem details', {}, async (rig) => {
  const page = await rig.send({ host: 'nobody.test', headers: { accept: 'text/html,*/*;q=0.8' } });
  assert.equal(page.status, 404);
  assert.match(page.headers['content-type'] ?? '', /^text\/html/);
  assert.match(page.text, /^<!doctype html>/);
  const problem = await rig.send({ host: 'nobody.test' });
  assert.equal(problem.headers['content-type'], 'application/problem+json');
  assert.equal(JSON.parse(problem.text).request_id, problem.headers['x-request-id']);
  const head = await rig.send({ host: 'nobody.test', method: 'HEAD' });
  assert.equal(head.headers['x-tidegate-error'], 'no_route');
  assert.equal(head.text, '');
  assert.deepEqual(rig.gateway.collect().sets.at(-1)?.errors, { no_route: 3 });
});

onEveryLane('an error late in a request still knows what its client accepts', {}, async (rig) => {
  const replica = await rig.raw((socket) => socket.resetAndDestroy());
  rig.addSet({ ports: [replica.port], policy: { retry: 0 } });
  const page = await rig.send({ headers: { accept: 'text/html' } });
  assert.equal(page.status, 502);
  assert.match(page.text, /^<!doctype html>/);
});
