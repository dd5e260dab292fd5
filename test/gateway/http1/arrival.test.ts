/** What is worth a scan, and what opens an HTTP/2 connection. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isWorthScanning, opensH2 } from '#gateway/http1/arrival';
import { REQUEST_HEAD_MAX_BYTES, REQUEST_LIMITS_BYTES, RequestHead } from '#gateway/http1/request-head';
import { REQUEST_VECTORS } from './request-vectors.ts';

describe('octets that follow an incomplete head', () => {
  test('are worth a scan when they end a line or reach a limit', () => {
    const b = Buffer.from('GET / HTTP/1.1\r\n', 'latin1');
    assert.equal(isWorthScanning(b, { start: 0, seen: 3, end: 15 }, [64]), false);
    assert.equal(isWorthScanning(b, { start: 0, seen: 3, end: 16 }, [64]), true);
    assert.equal(isWorthScanning(b, { start: 0, seen: 16, end: 16 }, [64]), false);
    assert.equal(isWorthScanning(b, { start: 0, seen: 3, end: 12 }, [12]), true);
    assert.equal(isWorthScanning(b, { start: 2, seen: 5, end: 13 }, [12]), false);
  });

  test('lose no outcome when scans are left out', () => {
    const head = new RequestHead();
    for (const { clause, name, head: text, fault } of REQUEST_VECTORS) {
      const bytes = Buffer.from(text, 'latin1');
      let scans = 0;
      let outcome = head.scan(bytes, 0, 1);
      for (let seen = 1; seen < bytes.length && outcome === 'incomplete'; seen++) {
        if (!isWorthScanning(bytes, { start: 0, seen, end: seen + 1 }, REQUEST_LIMITS_BYTES)) continue;
        outcome = head.scan(bytes, 0, seen + 1);
        scans++;
      }
      assert.ok(scans < 150, `${name}: ${scans} scans`);
      if (fault === undefined) assert.equal(outcome, 'complete', `${clause}: ${name}`);
      // A fault in a line that never ends is found at the limit; here the text ends before.
      else
        assert.ok(
          outcome === 'malformed' ? head.fault === fault : bytes.length < REQUEST_HEAD_MAX_BYTES,
          `${clause}: ${name}`,
        );
    }
  });
});

describe('the HTTP/2 preface', () => {
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

  test('is recognised whole, doubted in part, and nothing else is taken for it', () => {
    const bytes = Buffer.from(`x${preface}and frames`, 'latin1');
    assert.equal(opensH2(bytes, 1, bytes.length), 'yes');
    for (let end = 1; end <= preface.length; end++) assert.equal(opensH2(bytes, 1, end), 'partly');
    assert.equal(opensH2(bytes, 1, 1 + preface.length), 'yes');
    for (const other of ['POST / HTTP/1.1\r\n', 'PRI * HTTP/1.1\r\n', 'G', 'PRI * HTTP/2.0\r\n\r\nSN']) {
      assert.equal(opensH2(Buffer.from(other, 'latin1'), 0, other.length), 'no');
    }
  });
});
