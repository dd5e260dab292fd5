/** Answers of a real responder: asked for, believed only when they are signed by whoever may, and kept while they hold. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
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
  const staples = new Staples({ vault: ground.vault, clock, log, emit: (event) => void events.push(event) });
  const end = async (): Promise<void> => {
    await staples.close();
    await authority[Symbol.asyncDispose]();
    await ground[Symbol.asyncDispose]();
  };
  return { authority, clock, events, lines, id, ground, staples, [Symbol.asyncDispose]: end };
}

test('a certificate that asks for it is served with an answer, renewed at half of its time', async (t) => {
  await using all = await scene(t);
  const { authority, clock, ground, staples, id } = all;
  await authority.respond();
  staples.changed();
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
  all.staples.changed();
  await until(
    async () => {
      await all.clock.advance(300);
      return all.events.some(({ type }) => type === 'certificate.revoked');
    },
    { what: 'it is told' },
  );
  assert.equal(all.ground.reader.find(NAME), null);
});
