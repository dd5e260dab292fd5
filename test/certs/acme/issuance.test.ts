/** Certificates from a real authority: every challenge, many at once, none too many, and none twice after a crash. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import type { DnsProvider } from '#certs/acme/dns-01/dns-provider';
import { ChallengeAnswers } from '#gateway/challenge-answers';
import { Rig } from '#test/gateway/support/rig';
import { temporaryDirectory } from '#test/store/temporary';
import { Pebble } from '#test/support/pebble';
import { until } from '#test/support/until';
import { IssuanceGround } from './issuance-ground.ts';

let rig: Rig;
let pebble: Pebble;

before(async () => {
  rig = new Rig({ lane: 'fast-handle', certificates: { contextFor: () => null } });
  await rig.start();
  const { port: tlsPort } = await rig.gateway.listenTls({ host: '127.0.0.1', port: 0 });
  pebble = await Pebble.start({ httpPort: rig.port, tlsPort, nonceReject: 50 });
});

after(async () => {
  await pebble[Symbol.asyncDispose]();
  await rig.close();
});

const ISSUED = [
  { challenge: 'http-01', hostname: 'http.example.test' },
  { challenge: 'tls-alpn-01', hostname: 'alpn.example.test' },
  { challenge: 'dns-01', hostname: 'dns.example.test' },
  { challenge: 'dns-01', hostname: '*.wild.example.test' },
] as const;

for (const { challenge, hostname } of ISSUED) {
  test(`a certificate for ${hostname} by ${challenge}, half of all nonces refused`, async (t) => {
    const directory = temporaryDirectory(t);
    const board = rig.gateway.challenges;
    const dns = txtProvider();
    await using ground = await IssuanceGround.open({ directory, pebble, board, challenges: [challenge], dns });
    const startedAt = performance.now();
    ground.want(hostname);
    await ground.untilState(hostname, 'valid');
    t.diagnostic(`${challenge}: ${Math.round(performance.now() - startedAt)} ms`);
    const material = ground.ground.reader.find(hostname.replace('*', 'x'));
    assert.ok(material !== null);
    assert.equal(new X509Certificate(material.chain).checkHost(hostname.replace('*', 'x')) !== undefined, true);
    assert.deepEqual(
      ground.events.map(({ type }) => type),
      ['certificate.ordered', 'certificate.issued'],
    );
    const view = ground.issuance.view(hostname);
    assert.ok((view.nextAttemptAt ?? 0) > Date.now() && (view.nextAttemptAt ?? 0) < material.notAfterMs);
    // Nothing is left on the board.
    assert.equal(rig.gateway.challenges.hasTokens, false);
    assert.equal(rig.gateway.challenges.challengeFor(hostname), null);
  });
}

test('what the pre-flight finds wrong is not ordered, and says why', async (t) => {
  await using ground = await IssuanceGround.open({ ...common(temporaryDirectory(t)) });
  const before = pebble.orderCount;
  const diagnosis = { code: 'dns.wrong_target', detail: 'it points elsewhere', fix: 'point it here' } as const;
  const names = Array.from({ length: 100 }, (_, i) => `wrong${i}.example.test`);
  for (const name of names) ground.want(name, [diagnosis]);
  for (const name of names) await ground.untilState(name, 'failed');
  const { lastError, nextAttemptAt, attempts } = ground.issuance.view('wrong7.example.test');
  assert.deepEqual([lastError?.type, lastError?.detail, attempts], ['dns.wrong_target', 'it points elsewhere', 1]);
  assert.ok((nextAttemptAt ?? 0) > Date.now());
  assert.equal(pebble.orderCount, before);
});

test('clients that come while a hostname is checked have it checked again', async (t) => {
  await using ground = await IssuanceGround.open({ ...common(temporaryDirectory(t)) });
  const hostname = 'early.example.test';
  let checks = 0;
  const check = async () => {
    // Right after the first look, what stood in the way is gone, and a client comes.
    if (checks++ > 0) return [];
    ground.issuance.hurry(hostname);
    return [{ code: 'http.port_unreachable', detail: 'nobody answers yet', fix: 'wait' } as const];
  };
  ground.issuance.want({ hostname, tenant: 'default', check, isAlive: async () => true });
  await ground.untilState(hostname, 'valid');
  assert.equal(checks, 2);
});

test('what the authority says is kept word for word, and held against us no further than it does', async (t) => {
  await using ground = await IssuanceGround.open({ ...common(temporaryDirectory(t)), board: new ChallengeAnswers() });
  const hostname = 'unseen.example.test';
  ground.want(hostname);
  await ground.untilState(hostname, 'failed');
  const { lastError, attempts, nextAttemptAt } = ground.issuance.view(hostname);
  assert.equal(lastError?.type, 'unauthorized');
  assert.match(lastError?.detail ?? '', /404|Non-200/);
  assert.equal(attempts, 1);
  assert.ok((nextAttemptAt ?? 0) > Date.now() + 30_000);
});

test('fifty at once, no keeper more than it may at a time, and none twice with two keepers on one store', async (t) => {
  const directory = temporaryDirectory(t);
  await using one = await IssuanceGround.open({ ...common(directory), parallel: 4 });
  await using two = await IssuanceGround.open({ ...common(directory), parallel: 4, ground: one.ground });
  const before = pebble.orderCount;
  const names = Array.from({ length: 50 }, (_, i) => `many${i}.example.test`);
  let most = 0;
  const watch = (ground: IssuanceGround): void => {
    ground.issuance.onChange = () => {
      most = Math.max(most, names.filter((name) => ground.issuance.view(name).state === 'issuing').length);
    };
  };
  watch(one);
  watch(two);
  for (const name of names) {
    one.want(name);
    two.want(name);
  }
  for (const name of names) {
    await until(() => [one, two].some(({ issuance }) => issuance.view(name).state === 'valid'), {
      what: `${name} is valid`,
      timeoutMs: 60_000,
    });
    assert.notEqual(one.ground.reader.find(name), null, name);
  }
  assert.ok(most <= 4, `${most} at a time`);
  assert.equal(pebble.orderCount - before, names.length);
  const issued = [...one.events, ...two.events].filter(({ type }) => type === 'certificate.issued');
  const own = issued.map(({ data }) => Number(data?.ms) - Number(data?.authority_ms)).sort((a, b) => a - b);
  assert.equal(own.length, names.length);
  const [least, median, most95] = [0, 0.5, 0.95].map((share) => own[Math.floor(own.length * share)]);
  t.diagnostic(`without the waits for the authority: ${least} to ${most95} ms (p95), p50 ${median} ms`);
});

test('killed with the certificate in hand, the next start takes up the same order', async (t) => {
  const directory = temporaryDirectory(t);
  const hostname = 'killed.example.test';
  const plain = new Rig({ lane: 'fast-net' });
  await plain.start();
  const { port } = plain;
  await plain.close();
  await using own = await Pebble.start({ httpPort: port });
  const options = JSON.stringify({ directory, hostname, port, pebble: { ...own, directory: own.directory } });
  const child = spawn(process.execPath, [new URL('killed-issuer.ts', import.meta.url).pathname, options], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL');
  assert.equal(own.orderCount, 1);
  // Nobody answers challenges any more: only the order that was made can bring the certificate.
  await using ground = await IssuanceGround.open({
    directory,
    pebble: own,
    board: new ChallengeAnswers(),
    holder: 'control',
  });
  const waiting = ground.issuance.view(hostname);
  assert.equal(waiting.certificateId, null);
  ground.want(hostname);
  await ground.untilState(hostname, 'valid');
  assert.equal(own.orderCount, 1);
  assert.notEqual(ground.ground.reader.find(hostname), null);
});

test('an authority that is not there is said to be not there, and is asked again later', async (t) => {
  const gone = await Pebble.start({ httpPort: rig.port });
  const { directory: url, root, dns } = gone;
  await gone[Symbol.asyncDispose]();
  const there = { directory: url, root, dns } as Pebble;
  await using ground = await IssuanceGround.open({ ...common(temporaryDirectory(t)), pebble: there });
  ground.want('later.example.test');
  await ground.untilState('later.example.test', 'failed');
  const { lastError, nextAttemptAt } = ground.issuance.view('later.example.test');
  assert.deepEqual([lastError?.type, lastError?.detail], ['unreachable', 'the authority cannot be reached']);
  assert.ok((nextAttemptAt ?? 0) > Date.now());
});

test('an authority that wants an account bound to another one gets it', async (t) => {
  const eab = { kid: 'kid-1', hmac: 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W' };
  await using bound = await Pebble.start({ httpPort: rig.port, eab });
  await using ground = await IssuanceGround.open({ ...common(temporaryDirectory(t)), pebble: bound, eab });
  ground.want('bound.example.test');
  await ground.untilState('bound.example.test', 'valid');
});

function common(directory: string) {
  return { directory, pebble, board: rig.gateway.challenges };
}

/** Writes into the DNS of the authority, which knows no single values. */
function txtProvider(): DnsProvider {
  return {
    name: 'test',
    set: async (name, value) => void (await pebble.setTxt(name, value)),
    clear: async (name) => void (await pebble.clearTxt(name)),
  };
}
