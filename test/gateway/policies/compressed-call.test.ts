/** A call whose answer is compressed: octets, ends, back-pressure and what is left of it afterwards. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { Coding } from '#core/edge-policy';
import { CompressedCall } from '#gateway/policies/compressed-call';
import { Encoders } from '#gateway/policies/encoders';
import type { AnswerHandler, UpstreamCall } from '#gateway/upstream/upstream-call';
import { FakeClock } from '#test/support/fake-clock';
import { until } from '#test/support/until';
import { responseHead } from './heads.ts';

const DECODERS = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync };
const HTML = ['Content-Type: text/html', 'Transfer-Encoding: chunked'];

interface Scene {
  readonly clock: FakeClock;
  readonly encoders: Encoders;
  readonly call: CompressedCall;
  /** What the connection was told. */
  readonly told: string[];
  readonly received: Buffer[];
  /** What the request path was told. */
  readonly heard: string[];
  readonly bytes: () => number;
}

function scene(coding: Coding = 'gzip', encoders = new Encoders()): Scene {
  const clock = new FakeClock();
  const told: string[] = [];
  const heard: string[] = [];
  const received: Buffer[] = [];
  const connection = {
    wasKept: true,
    reached: true,
    send: () => told.push('send'),
    write: () => true,
    endBody: () => told.push('endBody'),
    pauseAnswer: () => told.push('pause'),
    resumeAnswer: () => told.push('resume'),
    cancel: () => told.push('cancel'),
    takeWire: () => assert.fail('there is no wire'),
  } as const satisfies Record<keyof UpstreamCall, unknown>;
  const handler: AnswerHandler = {
    onInformational: (head) => heard.push(`informational ${head.status}`),
    onAnswerHead: (head) => heard.push(`head ${head.status}`),
    onAnswerBody: (chunk, owned) => received.push(owned ? chunk : Buffer.from(chunk)),
    onAnswerEnd: (trailers) => heard.push(`end ${trailers.join()}`),
    onUpstreamDrain: () => heard.push('drain'),
    onCallFailed: (failure) => heard.push(`failed ${failure}`),
  };
  const call = new CompressedCall(connection as unknown as UpstreamCall, coding, { clock, encoders });
  call.send({ head: '', isHead: false, websocket: false, body: 'none', h2: null }, handler);
  const bytes = (): number => received.reduce((sum, chunk) => sum + chunk.length, 0);
  return { clock, encoders, call, told, received, heard, bytes };
}

/** Octets that no encoder makes smaller. */
function noise(bytes: number): Buffer {
  const octets = Buffer.alloc(bytes);
  let state = 1;
  for (let i = 0; i < bytes; i++) {
    state = (state * 48_271) % 2_147_483_647;
    octets[i] = state & 255;
  }
  return octets;
}

for (const coding of ['gzip', 'br', 'zstd'] as const) {
  test(`what a client decodes of ${coding} is what the upstream said, trailers and all`, async () => {
    const { call, received, heard, encoders } = scene(coding);
    call.onAnswerHead(responseHead(HTML));
    const scratch = Buffer.alloc(10_000);
    for (let i = 0; i < 20; i++) {
      scratch.fill(97 + i);
      call.onAnswerBody(scratch, false);
    }
    call.onAnswerEnd(['X-Sum', '1']);
    await until(() => heard.includes('end X-Sum,1'));
    const text = DECODERS[coding](Buffer.concat(received)).toString();
    assert.equal(text, Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i).repeat(10_000)).join(''));
    assert.equal(encoders.open, 0);
  });

  test(`a stream of ${coding} that pauses is handed over as far as it goes`, async () => {
    const { call, clock, bytes, heard, encoders } = scene(coding);
    call.onAnswerHead(responseHead(HTML));
    for (let i = 0; i < 3; i++) {
      const before = bytes();
      call.onAnswerBody(Buffer.from(`message ${i} `.repeat(10)), true);
      await clock.advance(20);
      await until(() => bytes() > before, { what: `message ${i} on its way` });
    }
    assert.deepEqual(heard, ['head 200']);
    call.cancel();
    assert.equal(encoders.open, 0);
  });
}

test('an answer that is not worth it goes on untouched', () => {
  const { call, received, heard, encoders } = scene();
  call.onAnswerHead(responseHead(['Content-Type: image/png', 'Content-Length: 5000']));
  call.onAnswerBody(Buffer.from('png'), true);
  call.onAnswerEnd([]);
  assert.deepEqual(heard, ['head 200', 'end ']);
  assert.equal(Buffer.concat(received).toString(), 'png');
  assert.equal(encoders.open, 0);
});

test('a client that is slow slows the upstream down, and nothing is lost of that', async () => {
  const { call, told, received, heard } = scene();
  call.onAnswerHead(responseHead(HTML));
  call.pauseAnswer();
  const part = noise(65_536);
  let parts = 0;
  while (!told.includes('pause') && parts < 100) {
    call.onAnswerBody(part, true);
    parts++;
  }
  assert.ok(told.includes('pause'), 'the upstream was never paused');
  assert.ok(!told.includes('resume'));
  call.resumeAnswer();
  await until(() => told.includes('resume'), { what: 'an upstream that goes on' });
  call.onAnswerEnd([]);
  await until(() => heard.includes('end '));
  assert.equal(gunzipSync(Buffer.concat(received)).length, parts * part.length);
});

test('a call that is given up leaves nothing behind and says nothing more', async () => {
  const { call, told, heard, encoders, clock, bytes } = scene();
  call.onAnswerHead(responseHead(HTML));
  call.onAnswerBody(noise(100_000), true);
  call.cancel();
  assert.ok(told.includes('cancel'));
  assert.equal(encoders.open, 0);
  assert.equal(clock.pendingCount, 0);
  const before = bytes();
  await clock.advance(100);
  assert.deepEqual([heard, bytes()], [['head 200'], before]);
});

test('a call whose answer came whole is not cancelled at the upstream while the client still reads', () => {
  const { call, told } = scene();
  call.onAnswerHead(responseHead(HTML));
  call.onAnswerBody(noise(100_000), true);
  call.onAnswerEnd([]);
  call.cancel();
  assert.ok(!told.includes('cancel'));
});

test('an upstream that hangs up is told of at once, and the encoder is let go', () => {
  const { call, heard, encoders } = scene();
  call.onAnswerHead(responseHead(HTML));
  call.onAnswerBody(Buffer.from('half'), true);
  call.onCallFailed('closed');
  assert.deepEqual(heard, ['head 200', 'failed closed']);
  assert.equal(encoders.open, 0);
});

test('beyond the encoders there may be, answers go out as they are', () => {
  const encoders = new Encoders();
  const calls: CompressedCall[] = [];
  for (let i = 0; i < 256; i++) {
    const { call } = scene('gzip', encoders);
    call.onAnswerHead(responseHead(HTML));
    calls.push(call);
  }
  const { call, received } = scene('gzip', encoders);
  const head = responseHead(HTML);
  call.onAnswerHead(head);
  call.onAnswerBody(Buffer.from('plain'), true);
  assert.equal(head.field('content-encoding'), undefined);
  assert.equal(Buffer.concat(received).toString(), 'plain');
  for (const one of calls) one.cancel();
  assert.equal(encoders.open, 0);
});
