/** Answers of a real responder: asked for, believed only when they are signed by whoever may, and kept while they hold. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { callResponder } from '#certs/ocsp/ocsp-call';
import { certificateIdOf, ocspRequest } from '#certs/ocsp/ocsp-request';
import { readOcspResponse } from '#certs/ocsp/ocsp-response';
import { Staples } from '#certs/ocsp/staples';
import type { EventDraft } from '#core/event';
import { jsonLog } from '#core/log';
import { temporaryDirectory } from '#test/store/temporary';
import { FakeClock } from '#test/support/fake-clock';
import { until } from '#test/support/until';
import { vaultIn } from '../vault/vault-ground.ts';
import { OpensslAuthority } from './openssl-authority.ts';

const HOUR_MS = 3_600_000;
const NAME = 'shop.example.test';

async function answerTo(authority: OpensslAuthority, chain: string) {
  const question = certificateIdOf(chain);
  assert.ok(question !== null);
  const body = new Uint8Array(ocspRequest(question.id));
  const answer = await fetch(`http://127.0.0.1:${authority.port}`, { method: 'POST', body });
  return { question: { ...question, now: Date.now() }, der: Buffer.from(await answer.arrayBuffer()) };
}

test('good and revoked are told apart, signed by the authority or by whom it named for that', async (t) => {
  await using authority = await OpensslAuthority.make(temporaryDirectory(t));
  const good = authority.issue(NAME);
  const bad = authority.issue('revoked.example.test');
  authority.revoke('revoked.example.test');
  for (const signer of ['ca', 'delegate'] as const) {
    await authority.respond(signer);
    const { question, der } = await answerTo(authority, good.chain);
    const { status, thisUpdate, nextUpdate } = readOcspResponse(der, question);
    assert.equal(status, 'good');
    assert.equal(nextUpdate - thisUpdate, 24 * HOUR_MS);
    const revoked = await answerTo(authority, bad.chain);
    assert.equal(readOcspResponse(revoked.der, revoked.question).status, 'revoked');
  }
});

test('what is signed by anybody else, changed, old, or about another certificate is not believed', async (t) => {
  await using authority = await OpensslAuthority.make(temporaryDirectory(t));
  const { chain } = authority.issue(NAME);
  const other = authority.issue('other.example.test');
  await authority.respond('stranger');
  const strange = await answerTo(authority, chain);
  assert.throws(() => readOcspResponse(strange.der, strange.question), /not signed by whoever/);
  await authority.respond();
  const { der, question } = await answerTo(authority, chain);
  const about = certificateIdOf(other.chain);
  assert.ok(about !== null);
  assert.throws(() => readOcspResponse(der, { ...question, id: about.id }), /another certificate/);
  assert.throws(() => readOcspResponse(der, { ...question, now: Date.now() + 25 * HOUR_MS }), /not of now/);
  assert.throws(() => readOcspResponse(der, { ...question, now: Date.now() - 25 * HOUR_MS }), /not of now/);
  assert.throws(() => readOcspResponse(Buffer.from('30030a0106', 'hex'), question), /unauthorized/);
  // Any octet changed: refused, or the very same answer.
  const answer = readOcspResponse(der, question);
  for (let at = 0; at < der.length; at++) {
    const changed = Buffer.from(der);
    changed[at] = (changed[at] ?? 0) ^ 1;
    try {
      assert.deepEqual(readOcspResponse(changed, question), answer, `octet ${at}`);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
    }
  }
});

interface Scene extends AsyncDisposable {
  readonly authority: OpensslAuthority;
  readonly clock: FakeClock;
  readonly events: EventDraft[];
  readonly lines: string[];
  readonly id: string;
  readonly ground: Awaited<ReturnType<typeof vaultIn>>;
  readonly staples: Staples;
  /** How often a responder was. */
  readonly asked: () => number;
}

async function scene(t: TestContext): Promise<Scene> {
  const directory = temporaryDirectory(t);
  mkdirSync(path.join(directory, 'ca'));
  const authority = await OpensslAuthority.make(path.join(directory, 'ca'));
  const clock = new FakeClock(Date.now());
  const ground = await vaultIn(directory, () => clock.wall());
  const { id } = await ground.vault.put({ tenant: 'default', ...authority.issue(NAME), issuer: 'import' });
  const lines: string[] = [];
  const events: EventDraft[] = [];
  const log = jsonLog({ level: 'info', write: (line) => void lines.push(line), wall: () => clock.wall() });
  let asked = 0;
  const staples = new Staples({
    ...{ vault: ground.vault, clock, log, emit: (event: EventDraft) => void events.push(event) },
    ask: (url, body, signal) => {
      asked++;
      return callResponder(url, body, { isReachable: () => true, signal });
    },
  });
  // As the roof does.
  ground.vault.onChange = (_, changed) => staples.changed([changed]);
  const end = async (): Promise<void> => {
    await staples.close();
    await authority[Symbol.asyncDispose]();
    await ground[Symbol.asyncDispose]();
  };
  return { authority, clock, events, lines, id, ground, staples, asked: () => asked, [Symbol.asyncDispose]: end };
}

test('a certificate that asks for it is served with an answer, renewed at half of its time', async (t) => {
  await using all = await scene(t);
  const { authority, clock, ground, staples, id } = all;
  await authority.respond();
  await staples.start();
  const stapled = async () => {
    await clock.advance(300);
    return (await ground.vault.get(id))?.staple;
  };
  const first = await until(stapled, { what: 'an answer is kept' });
  const served = ground.reader.find(NAME)?.staple;
  assert.equal(served?.der.toString('base64'), first.der);
  assert.equal(served?.untilMs, first.until);
  // A responder that is gone for a while harms nobody.
  await authority.silence();
  await clock.advance(13 * HOUR_MS);
  await until(() => all.lines.some((line) => line.includes('no OCSP answer')), { what: 'its absence is told' });
  assert.equal(ground.reader.find(NAME)?.staple?.untilMs, first.until);
  // One that holds no longer is not shown.
  await clock.advance(12 * HOUR_MS);
  assert.equal(ground.reader.find(NAME)?.staple, null);
});

test('a certificate that was revoked is not served any more, and that is told', async (t) => {
  await using all = await scene(t);
  all.authority.revoke(NAME);
  await all.authority.respond();
  await all.staples.start();
  await until(
    async () => {
      await all.clock.advance(300);
      return all.events.some(({ type }) => type === 'certificate.revoked');
    },
    { what: 'it is told' },
  );
  assert.equal(all.ground.reader.find(NAME), null);
});

test('an answer whose time is half over is not asked for in a circle', async (t) => {
  await using all = await scene(t);
  await all.authority.respond();
  // It holds for a day; by our clock thirteen hours of that are over.
  await all.clock.advance(13 * HOUR_MS);
  await all.staples.start();
  await until(
    async () => {
      await all.clock.advance(300);
      return (await all.ground.vault.get(all.id))?.staple;
    },
    { what: 'an answer is kept' },
  );
  for (let i = 0; i < 50; i++) {
    await all.clock.advance(1000);
    await all.ground.vault.get(all.id);
  }
  assert.ok(all.asked() <= 2, `asked ${all.asked()} times`);
});

test("one tenant's certificate that cannot be read, and its tarpit, are no other tenant's matter", async (t) => {
  await using all = await scene(t);
  const { authority, ground, staples, clock } = all;
  await authority.respond();
  const chain = ground.vault.chain.bind(ground.vault);
  const get = ground.vault.get.bind(ground.vault);
  const kept = await get(all.id);
  assert.ok(kept !== null);
  const evil = { ...kept, id: 'crt_0evil', tenant: 'evil', ocspUrl: 'http://127.0.0.1:1' };
  ground.vault.all = async function* () {
    yield* [evil, kept];
  };
  ground.vault.get = (id) => (id === evil.id ? Promise.resolve(evil) : get(id));
  ground.vault.chain = (id) => (id === evil.id ? Promise.reject(new Error('Too few bytes to parse DER')) : chain(id));
  await staples.start();
  await until(
    async () => {
      await clock.advance(300);
      return (await get(all.id))?.staple;
    },
    { what: 'the neighbour has its answer' },
  );
});

test('responders are asked as strangers are: no inward address, no endless answer, no other way than HTTP', async () => {
  const endless = createServer((_, response) => {
    response.writeHead(200);
    const send = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
    };
    response.on('drain', send);
    send();
  });
  await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve));
  const { port } = endless.address() as AddressInfo;
  const call = (url: string, isReachable = true): Promise<Buffer> =>
    callResponder(url, Buffer.from('x'), { isReachable: () => isReachable, signal: AbortSignal.timeout(10_000) });
  try {
    await assert.rejects(call(`http://127.0.0.1:${port}/`), /too long/);
    await assert.rejects(call(`http://127.0.0.1:${port}/`, false), /may be asked/);
    await assert.rejects(call(`http://localhost:${port}/`, false), /no address that may be asked/);
    await assert.rejects(call('ldap://127.0.0.1/'), /no way to ask/);
  } finally {
    endless.closeAllConnections();
    endless.close();
  }
});
