/** The most liberal reading of a path, which routing compares with the literal one. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { liberalPath } from '#core/liberal-path';
import { PATH } from '#gateway/http1/octets';
import { RequestHead } from '#gateway/http1/request-head';
import { target } from '#test/gateway/http1/request-vector';

describe('the liberal reading of a path', () => {
  const cases: Readonly<Record<string, string>> = {
    '/': '/',
    '/a/b': '/a/b',
    '/a/b/': '/a/b/',
    '/.well-known/x': '/.well-known/x',
    '/a..b/...': '/a..b/...',
    '/public/../admin': '/admin',
    '/public/%2e%2E/admin': '/admin',
    '/public/..%2fadmin': '/admin',
    '/public%2f..%2fadmin': '/admin',
    '/public\\..\\admin': '/admin',
    '/public/%5c..%5cadmin': '/admin',
    '/public/..;x=1/admin': '/admin',
    '/public/.;/../admin': '/admin',
    '/admin;x=1/y': '/admin/y',
    '/%61dmin': '/admin',
    '//admin': '/admin',
    '/a//b': '/a/b',
    '/./admin/.': '/admin/',
    '/../../admin': '/admin',
    '/a/..': '/',
    '/a/../': '/',
    '/a/b/..': '/a/',
    '/%252e%252e/admin': '/%252e%252e/admin',
    '/caf%C3%A9/x': '/caf%C3%A9/x',
    '/a%20b%00': '/a%20b%00',
    '/a%3Fb': '/a%3Fb',
  };
  for (const [path, reading] of Object.entries(cases)) {
    test(`of ${path} is ${reading}`, () => assert.equal(liberalPath(path), reading));
  }

  test('is the path itself wherever the scanner calls it not quirky', () => {
    const head = new RequestHead();
    const letters = fc.constantFrom(...'/..;%25aA~|[]^-_=');
    fc.assert(
      fc.property(fc.string({ unit: letters, maxLength: 12 }), (text) => {
        const bytes = Buffer.from(target(`/${text}`), 'latin1');
        if (head.scan(bytes, 0, bytes.length) !== 'complete' || head.quirky) return;
        assert.equal(liberalPath(head.path), head.path);
      }),
      { seed: 7, numRuns: 5_000 },
    );
  });

  test('does not change when it is read again, unless something was escaped twice', () => {
    const letters = fc.constantFrom('/', '.', ';', 'a', '\\', '%2e', '%2f', '%5c');
    fc.assert(
      fc.property(fc.string({ unit: letters, maxLength: 12 }), (text) => {
        const once = liberalPath(`/${text}`);
        assert.equal(liberalPath(once), once);
      }),
      { seed: 8, numRuns: 5_000 },
    );
  });
});

test('what it takes for unescaped is what the gateway lets stand in a path, and the backslash', () => {
  for (let octet = 0; octet < 256; octet++) {
    const encoded = `%${octet.toString(16).padStart(2, '0')}`;
    const taken = octet === 0x5c || (PATH[octet] === 1 && octet !== 0x25);
    assert.equal(!liberalPath(`/a${encoded}b`).includes(encoded), taken, encoded);
  }
});
