/** Authorities that are gone, have had enough, or advise: what it costs clients is nothing, what it costs us is asked once. */
import assert from 'node:assert/strict';
import { randomBytes, X509Certificate } from 'node:crypto';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import { AcmeAccount } from '#certs/acme/acme-account';
import { ContextCache } from '#certs/context-cache';
import type { Diagnosis } from '#certs/dns/diagnosis';
import { silentLog } from '#core/log';
import { ChallengeAnswers } from '#gateway/challenge-answers';
import { Rig } from '#test/gateway/support/rig';
import { app } from '#test/gateway/support/upstreams';
import { temporaryDirectory } from '#test/store/temporary';
import { FakeAuthority } from '#test/support/fake-authority';
import { FakeClock } from '#test/support/fake-clock';
import { until } from '#test/support/until';
import { vaultIn } from '../vault/vault-ground.ts';
import { IssuanceGround } from './issuance-ground.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const HOSTNAME = 'shop.example.test';

let clock: FakeClock;
let authority: FakeAuthority;
let second: FakeAuthority;

before(async () => {
  // So that what is issued then is valid for clients that go by the time of today.
  clock = new FakeClock(Date.now() - 70 * DAY_MS);
  const wall = clock.wall.bind(clock);
  authority = await FakeAuthority.start({ wall });
  second = await FakeAuthority.start({ wall });
});
after(async () => {
  await authority[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
});

test('an authority that is gone for a day when it is time to renew: clients see nothing of it', async (t) => {
  const vault = await vaultIn(temporaryDirectory(t), clock.wall.bind(clock));
  const certificates = new ContextCache({
    ...{ sources: [vault.reader], wall: clock.wall.bind(clock), log: silentLog, ticketKeys: randomBytes(48) },
  });
  vault.vault.onChange = (names) => {
    vault.reader.forget(names);
    certificates.forget(names);
  };
  const rig = new Rig({ lane: 'fast-handle', certificates });
  await rig.start();
  const upstream = await app((_, response) => response.end('here'));
  rig.addSet({ host: HOSTNAME, ports: [upstream.port] });
  const { port } = await rig.gateway.listenTls({ host: '127.0.0.1', port: 0 });
  const issuing = await IssuanceGround.open({ ...ground(t), ground: vault });
  const { issuance } = issuing;
  const serial = async (): Promise<string> => {
    const seen = await overTls(port, authority.root);
    assert.match(seen.answer, /^HTTP\/1\.1 200 .*here$/s);
    return seen.serial;
  };
  try {
    issuing.want(HOSTNAME);
    await reach(issuing, HOSTNAME, 'valid');
    const first = await serial();
    authority.isDown = true;
    await passUntil(issuing, issuance.view(HOSTNAME).nextAttemptAt ?? 0);
    const outageEnds = clock.wall() + DAY_MS;
    const waits: number[] = [];
    let requests = 0;
    for (let tries = 0; clock.wall() < outageEnds; ) {
      await clock.advance(10 * MINUTE_MS);
      const { attempts, nextAttemptAt, lastError } = await settled(issuing);
      assert.equal(await serial(), first);
      requests++;
      if (attempts === tries) continue;
      tries = attempts;
      waits.push((nextAttemptAt ?? 0) - clock.wall());
      assert.deepEqual([lastError?.type, lastError?.detail], ['unreachable', 'the authority cannot be reached']);
    }
    // From a minute to hours: some ten tries in a day, each later than the one before.
    const { attempts, state } = issuance.view(HOSTNAME);
    t.diagnostic(`${attempts} tries in 24 h, ${requests} handshakes and requests, none failed`);
    assert.ok(attempts >= 8 && attempts <= 13, `${attempts} tries`);
    assert.ok((waits.at(-1) ?? 0) > 4 * HOUR_MS, waits.join(' '));
    assert.equal(state, 'failed');
    authority.isDown = false;
    await passUntil(issuing, issuance.view(HOSTNAME).nextAttemptAt ?? 0);
    await reach(issuing, HOSTNAME, 'valid');
    assert.notEqual(await serial(), first);
    assert.deepEqual(
      issuing.events.filter(({ type }) => type !== 'certificate.failed').map(({ type }) => type),
      ['certificate.ordered', 'certificate.issued', 'certificate.ordered', 'certificate.renewed'],
    );
  } finally {
    authority.isDown = false;
    await issuing[Symbol.asyncDispose]();
    await rig.close();
    await upstream.close();
    await vault[Symbol.asyncDispose]();
  }
});

test('a certificate that nears its end without another is a matter for people, once', async (t) => {
  await using issuing = await IssuanceGround.open(ground(t));
  issuing.want('late.example.test');
  await reach(issuing, 'late.example.test', 'valid');
  authority.isDown = true;
  try {
    const warnings = () => issuing.events.filter(({ type }) => type === 'certificate.expiring');
    await passUntil(issuing, clock.wall() + 70 * DAY_MS, 6 * HOUR_MS, 'late.example.test');
    assert.equal(warnings().length, 0);
    await passUntil(issuing, clock.wall() + 15 * DAY_MS, 6 * HOUR_MS, 'late.example.test');
    assert.equal(warnings().length, 1);
    assert.match(
      warnings()[0]?.cause ?? '',
      /^it ends in \d+ h and has not been renewed: the authority cannot be reached$/,
    );
    await passUntil(issuing, clock.wall() + 10 * DAY_MS, 6 * HOUR_MS, 'late.example.test');
    assert.equal(issuing.issuance.view('late.example.test').state, 'expired');
    assert.equal(warnings().length, 1);
  } finally {
    authority.isDown = false;
  }
});

test('an authority that has had enough of us is left alone as long as it says, by every hostname', async (t) => {
  await using issuing = await IssuanceGround.open(ground(t));
  const busy = {
    status: 429,
    type: 'rateLimited',
    detail: 'too many new orders (300) from this account',
    retryAfter: '7200',
  };
  authority.fault = (resource) => (resource === 'new-order' ? busy : null);
  try {
    issuing.want('first.example.test');
    await reach(issuing, 'first.example.test', 'rate-limited');
    const { lastError } = issuing.issuance.view('first.example.test');
    assert.deepEqual([lastError?.type, lastError?.detail], ['rateLimited', busy.detail]);
    const asked = authority.asked.length;
    issuing.want('next.example.test');
    await reach(issuing, 'next.example.test', 'rate-limited');
    const freeAt = issuing.issuance.view('next.example.test').nextAttemptAt ?? 0;
    assert.ok(freeAt > clock.wall() + 7100 * 1000 && freeAt <= clock.wall() + 7200 * 1000);
    await passUntil(issuing, freeAt - MINUTE_MS, 10 * MINUTE_MS, 'first.example.test');
    assert.equal(authority.asked.length, asked);
  } finally {
    authority.fault = () => null;
  }
  await clock.advance(3 * MINUTE_MS);
  await reach(issuing, 'first.example.test', 'valid');
  await reach(issuing, 'next.example.test', 'valid');
});

test('while one authority has had enough, another one issues', async (t) => {
  await using issuing = await IssuanceGround.open({ ...ground(t), fallback: second });
  authority.fault = (resource) =>
    resource === 'new-order' ? { status: 503, type: 'serverInternal', detail: 'busy', retryAfter: '3600' } : null;
  const orders = second.orderCount;
  try {
    issuing.want('one.example.test');
    await reach(issuing, 'one.example.test', 'failed');
    issuing.want('two.example.test');
    await reach(issuing, 'two.example.test', 'valid');
    assert.equal(issuing.issuance.view('two.example.test').ca, second.directory);
    await clock.advance(2 * MINUTE_MS);
    await reach(issuing, 'one.example.test', 'valid');
    assert.equal(second.orderCount, orders + 2);
  } finally {
    authority.fault = () => null;
  }
});

test('what stands against a hostname is not tried at another authority', async (t) => {
  await using issuing = await IssuanceGround.open({ ...ground(t), fallback: second });
  authority.verdict = { type: 'unauthorized', detail: 'the answer was not the one expected' };
  const orders = second.orderCount;
  try {
    issuing.want('wrong.example.test');
    for (let tries = 1; tries <= 5; tries++) {
      await until(() => moved(() => issuing.issuance.view('wrong.example.test').attempts === tries), {
        what: `try ${tries}`,
      });
      await passUntil(
        issuing,
        issuing.issuance.view('wrong.example.test').nextAttemptAt ?? 0,
        HOUR_MS,
        'wrong.example.test',
      );
    }
    assert.equal(second.orderCount, orders);
  } finally {
    authority.verdict = null;
  }
});

test('it is renewed when its authority advises to, and says which one it replaces', async (t) => {
  await using issuing = await IssuanceGround.open(ground(t));
  const hostname = 'advised.example.test';
  const window = { start: clock.wall() + 40 * DAY_MS, end: clock.wall() + 41 * DAY_MS };
  authority.advice = { ...window, retryAfterS: 3600 };
  try {
    issuing.want(hostname);
    await reach(issuing, hostname, 'valid');
    const planned = await until(
      async () => {
        await clock.advance(1);
        const at = issuing.issuance.view(hostname).nextAttemptAt ?? 0;
        return at >= window.start && at <= window.end && at;
      },
      { what: 'the advice is followed' },
    );
    const [kept] = await issuing.ground.vault.list({ after: null, limit: 1 });
    assert.equal(kept?.renewal.windowStart, window.start);
    // The same advice again changes nothing; another one, that the time has come, does.
    await passUntil(issuing, clock.wall() + 3 * HOUR_MS, HOUR_MS, hostname);
    assert.equal(issuing.issuance.view(hostname).nextAttemptAt, planned);
    const orders = authority.orderCount;
    authority.advice = { start: clock.wall() - 2 * HOUR_MS, end: clock.wall() - HOUR_MS, retryAfterS: 3600 };
    const changedAt = clock.wall();
    await until(
      async () => {
        await clock.advance(10 * MINUTE_MS);
        return authority.orderCount > orders;
      },
      { what: 'it is ordered anew' },
    );
    // News is followed within a day, whatever the age of the certificate.
    assert.ok(clock.wall() - changedAt <= DAY_MS);
    await until(() => moved(() => issuing.events.at(-1)?.type === 'certificate.renewed'), { what: 'it is renewed' });
    const chain = (await issuing.ground.vault.material(kept?.id ?? ''))?.chain ?? '';
    const serial = Buffer.from(new X509Certificate(chain).serialNumber, 'hex').toString('base64url');
    assert.equal(authority.replaced.at(-1)?.split('.')[1], serial);
  } finally {
    authority.advice = null;
  }
});

test('an authority that minds the replacement gets an order like any other', async (t) => {
  await using issuing = await IssuanceGround.open(ground(t));
  const hostname = 'replaced.example.test';
  authority.advice = { start: clock.wall() - 2, end: clock.wall() - 1, retryAfterS: 3600 };
  let refused = 0;
  try {
    issuing.want(hostname);
    await reach(issuing, hostname, 'valid');
    authority.fault = (resource) => {
      if (resource !== 'new-order' || refused++ > 0) return null;
      return { status: 409, type: 'alreadyReplaced', detail: 'it has been replaced' };
    };
    await until(
      async () => {
        await clock.advance(6 * HOUR_MS);
        return issuing.events.some(({ type }) => type === 'certificate.renewed');
      },
      { what: 'it is renewed' },
    );
    assert.equal(authority.replaced.at(-1), null);
    assert.equal(refused, 2);
  } finally {
    authority.fault = () => null;
    authority.advice = null;
  }
});

test('an authority that always says "now" gets a few orders more, and no limit is burnt', async (t) => {
  await using issuing = await IssuanceGround.open(ground(t));
  const hostname = 'always.example.test';
  authority.advice = { start: 1, end: 2, retryAfterS: 3600 };
  try {
    issuing.want(hostname);
    await reach(issuing, hostname, 'valid');
    const orders = authority.orderCount;
    await passUntil(issuing, clock.wall() + 70 * DAY_MS, 8 * HOUR_MS, hostname);
    // Every third of ninety days.
    assert.ok(authority.orderCount - orders <= 3, `${authority.orderCount - orders} orders`);
    assert.notEqual(issuing.issuance.view(hostname).state, 'rate-limited');
  } finally {
    authority.advice = null;
  }
});

test('what cannot be kept is tried again in a while, not at once', async (t) => {
  await using issuing = await IssuanceGround.open(ground(t));
  const hostname = 'full.example.test';
  authority.advice = { start: clock.wall() + 20 * DAY_MS, end: clock.wall() + 21 * DAY_MS, retryAfterS: 3600 };
  issuing.ground.vault.update = () => Promise.reject(new Error('database or disk is full'));
  const asked = () => authority.asked.filter((one) => one === 'ari').length;
  const before = asked();
  try {
    issuing.want(hostname);
    await reach(issuing, hostname, 'valid');
    for (let i = 0; i < 60; i++) await clock.advance(1000);
    await until(() => moved(() => asked() > before), { what: 'it is asked' });
    assert.ok(asked() - before <= 6, `asked ${asked() - before} times in a minute`);
  } finally {
    authority.advice = null;
  }
});

test('a renewal that was under way when the process ended goes on at the next start', async (t) => {
  const directory = temporaryDirectory(t);
  const hostname = 'restarted.example.test';
  {
    await using issuing = await IssuanceGround.open({ ...ground(t), directory });
    issuing.want(hostname);
    await reach(issuing, hostname, 'valid');
    const { record } = { record: (await issuing.ground.store.document('issuance', hostname))?.body as object };
    await issuing.ground.store.putDocument('issuance', hostname, { ...record, state: 'renewing' });
  }
  const orders = authority.orderCount;
  await using again = await IssuanceGround.open({ ...ground(t), directory });
  again.want(hostname);
  await until(() => moved(() => again.events.at(-1)?.type === 'certificate.renewed'), { what: 'it is renewed' });
  assert.equal(authority.orderCount, orders + 1);
});

/** A second process comes to know of the order of the first one while that is under way. */
const COMING = [
  ['starts while it is under way', async () => {}],
  ['has a client that waits for it', async (other: IssuanceGround) => other.issuance.hurry(SHARED)],
] as const;
const SHARED = 'shared.example.test';

for (const [what, come] of COMING) {
  test(`an order of one process is not made again by another that ${what}`, async (t) => {
    const { promise: isLetGo, resolve: letGo } = Promise.withResolvers<void>();
    const board = Object.assign(new ChallengeAnswers(), { showHttp: () => isLetGo });
    await using first = await IssuanceGround.open({ ...ground(t), board, holder: 'first' });
    first.want(SHARED);
    const orders = authority.orderCount;
    const kept = async () => (await first.ground.store.document('issuance', SHARED))?.body as { order?: unknown };
    await until(async () => (await kept())?.order != null, { what: 'the order is kept' });
    await using other = await IssuanceGround.open({ ...ground(t), ground: first.ground, holder: 'second' });
    other.want(SHARED);
    await come(other);
    await until(() => (other.issuance.view(SHARED).nextAttemptAt ?? 0) > clock.wall(), { what: 'it is put off' });
    letGo();
    await reach(first, SHARED, 'valid');
    await clock.advance(MINUTE_MS);
    await reach(other, SHARED, 'valid');
    assert.equal(other.issuance.view(SHARED).certificateId, first.issuance.view(SHARED).certificateId);
    assert.equal(authority.orderCount, orders + 1);
  });
}

test('a renewal that was asked for is not made again when another process has made it', async (t) => {
  await using first = await IssuanceGround.open({ ...ground(t), holder: 'first' });
  first.want(SHARED);
  await reach(first, SHARED, 'valid');
  const old = first.issuance.view(SHARED).certificateId ?? '';
  await using other = await IssuanceGround.open({ ...ground(t), ground: first.ground, holder: 'second' });
  other.want(SHARED);
  await clock.advance(2 * MINUTE_MS);
  const orders = authority.orderCount;
  await first.issuance.renew(old);
  await other.issuance.renew(old);
  const newIds = () => [first, other].map(({ issuance }) => issuance.view(SHARED).certificateId);
  await until(() => moved(() => newIds().every((id) => id !== null && id !== old)), { what: 'both know the new one' });
  await clock.advance(MINUTE_MS);
  await settled(other, SHARED);
  assert.equal(new Set(newIds()).size, 1);
  assert.equal(authority.orderCount, orders + 1);
  // Of one that has had its time the one that serves is renewed.
  await clock.advance(2 * MINUTE_MS);
  const renewed = newIds()[0];
  await other.issuance.renew(old);
  await until(() => moved(() => newIds()[1] !== renewed), { what: 'it is renewed again' });
  assert.equal(authority.orderCount, orders + 2);
});

test('one that has ended, because something stood in the way of the next one, is had at once when that is gone', async (t) => {
  await using issuing = await IssuanceGround.open(ground(t));
  const hostname = 'ended.example.test';
  const diagnoses: Diagnosis[] = [];
  issuing.want(hostname, diagnoses);
  await reach(issuing, hostname, 'valid');
  const { certificateId } = issuing.issuance.view(hostname);
  const end = (await issuing.ground.vault.get(certificateId ?? ''))?.notAfter ?? 0;
  diagnoses.push({ code: 'dns.no_record', detail: 'it resolves to nothing', fix: 'set an A record' });
  await passUntil(issuing, end + DAY_MS, DAY_MS, hostname);
  assert.equal(await issuing.ground.vault.newestFor(hostname), null);
  const orders = authority.orderCount;
  diagnoses.length = 0;
  issuing.issuance.hurry(hostname);
  await reach(issuing, hostname, 'valid');
  assert.equal(authority.orderCount, orders + 1);
});

test('two processes that need an account at the same time have one', async (t) => {
  const vault = await vaultIn(temporaryDirectory(t), clock.wall.bind(clock));
  await using _vault = vault;
  const { store, box } = vault;
  const ca = { directory: authority.directory, email: null, root: null, eab: null, chain: null };
  const opened = await Promise.all([1, 2, 3].map(() => AcmeAccount.open({ ca, store, box })));
  assert.equal(new Set(opened.map(({ key }) => key)).size, 1);
  await opened[0]?.registered('https://ca.example.test/account/1');
  const kept = await AcmeAccount.open({ ca, store, box });
  assert.deepEqual([kept.key, kept.url], [opened[0]?.key, 'https://ca.example.test/account/1']);
});

test('an order at the second authority is not left there when the first one has room again', async (t) => {
  await using issuing = await IssuanceGround.open({ ...ground(t), fallback: second });
  const hostname = 'between.example.test';
  const busy = { status: 503, type: 'serverInternal', detail: 'busy', retryAfter: '60' };
  authority.fault = (resource) => (resource === 'new-order' ? busy : null);
  second.fault = (resource) => (resource === 'finalize' ? busy : null);
  const [first, other] = [authority.orderCount, second.orderCount];
  try {
    issuing.want('before.between.test');
    await reach(issuing, 'before.between.test', 'failed');
    issuing.want(hostname);
    await reach(issuing, hostname, 'failed');
    authority.fault = () => null;
    second.fault = () => null;
    await clock.advance(5 * MINUTE_MS);
    await reach(issuing, hostname, 'valid');
    assert.equal(issuing.issuance.view(hostname).ca, second.directory);
    assert.deepEqual([authority.orderCount - first, second.orderCount - other], [1, 1]);
  } finally {
    authority.fault = () => null;
    second.fault = () => null;
  }
});

test('an authority that turns its back on the account is not the last one asked', async (t) => {
  await using issuing = await IssuanceGround.open({ ...ground(t), fallback: second });
  const hostname = 'turned.example.test';
  const gone = { status: 403, type: 'unauthorized', detail: 'the account has been deactivated' };
  authority.fault = (resource) => (resource === 'new-order' ? gone : null);
  try {
    issuing.want(hostname);
    await passUntil(issuing, clock.wall() + 30 * MINUTE_MS, MINUTE_MS, hostname);
    await reach(issuing, hostname, 'valid');
    assert.equal(issuing.issuance.view(hostname).ca, second.directory);
  } finally {
    authority.fault = () => null;
  }
});

test('an order that is under way outlives a change of the key for data at rest', async (t) => {
  const directory = temporaryDirectory(t);
  const hostname = 'resealed.example.test';
  const busy = { status: 500, type: 'serverInternal', detail: 'not now' };
  authority.fault = (resource) => (resource === 'finalize' ? busy : null);
  const orders = authority.orderCount;
  try {
    await using issuing = await IssuanceGround.open({ ...ground(t), directory });
    issuing.want(hostname);
    await reach(issuing, hostname, 'failed');
    await issuing.ground.vault.rotateKey(randomBytes(32));
    await passUntil(issuing, issuing.issuance.view(hostname).nextAttemptAt ?? 0, MINUTE_MS, hostname);
    await until(() => moved(() => issuing.issuance.view(hostname).attempts === 2), { what: 'the second try' });
  } finally {
    authority.fault = () => null;
  }
  // The old key is in nobody's memory any more.
  await using again = await IssuanceGround.open({ ...ground(t), directory });
  again.want(hostname);
  await clock.advance(10 * MINUTE_MS);
  await reach(again, hostname, 'valid');
  assert.equal(authority.orderCount, orders + 1);
});

test('a hostname whose certificate was taken away gets another', async (t) => {
  await using issuing = await IssuanceGround.open(ground(t));
  const hostname = 'dropped.example.test';
  issuing.want(hostname);
  await reach(issuing, hostname, 'valid');
  const id = issuing.issuance.view(hostname).certificateId ?? '';
  await issuing.ground.vault.drop(id);
  await issuing.issuance.gone({ id, names: [hostname] });
  await reach(issuing, hostname, 'valid');
  await until(() => issuing.ground.reader.find(hostname) !== null, { what: 'another one is served' });
  assert.notEqual(issuing.issuance.view(hostname).certificateId, id);
});

test('an account that the authority has forgotten is made anew', async (t) => {
  await using issuing = await IssuanceGround.open(ground(t));
  let isForgotten = true;
  issuing.want('before.example.test');
  await reach(issuing, 'before.example.test', 'valid');
  authority.fault = (resource) => {
    if (resource === 'account') isForgotten = false;
    if (resource !== 'new-order' || !isForgotten) return null;
    return { status: 400, type: 'accountDoesNotExist', detail: 'no such account' };
  };
  try {
    issuing.want('after.example.test');
    await reach(issuing, 'after.example.test', 'failed');
    await clock.advance(2 * MINUTE_MS);
    await reach(issuing, 'after.example.test', 'valid');
  } finally {
    authority.fault = () => null;
  }
});

function ground(t: Parameters<typeof temporaryDirectory>[0]) {
  return { directory: temporaryDirectory(t), pebble: authority, board: new ChallengeAnswers(), clock };
}

/** Nothing is under way for the hostname. */
async function settled(issuing: IssuanceGround, hostname = HOSTNAME) {
  const view = () => issuing.issuance.view(hostname);
  const isUnderWay = () => ['renewing', 'issuing', 'queued'].includes(view().state);
  await until(() => moved(() => !isUnderWay()), { what: 'the try has come to its end' });
  return view();
}

/** Orders wait for their authority on this clock, too. */
async function reach(issuing: IssuanceGround, hostname: string, state: string): Promise<void> {
  const what = `${hostname} is ${state}`;
  await until(() => moved(() => issuing.issuance.view(hostname).state === state), { what, timeoutMs: 8_000 });
}

async function moved(isThere: () => boolean): Promise<boolean> {
  if (isThere()) return true;
  await clock.advance(50);
  return isThere();
}

/** Lets time pass in steps, each of them seen to its end. */
async function passUntil(issuing: IssuanceGround, at: number, stepMs = DAY_MS, hostname = HOSTNAME): Promise<void> {
  while (clock.wall() < at) {
    await clock.advance(Math.min(stepMs, at - clock.wall()));
    await settled(issuing, hostname);
  }
}

function overTls(port: number, ca: string): Promise<{ serial: string; answer: string }> {
  return new Promise((resolve, reject) => {
    let serial = '';
    let answer = '';
    const socket = connect({ host: '127.0.0.1', port, servername: HOSTNAME, ca }, () => {
      serial = socket.getPeerCertificate().serialNumber;
      socket.write(`GET / HTTP/1.1\r\nHost: ${HOSTNAME}\r\nConnection: close\r\n\r\n`);
    });
    socket.setEncoding('latin1').on('data', (part: string) => {
      answer += part;
    });
    socket.on('error', reject).on('end', () => resolve({ serial, answer }));
  });
}
