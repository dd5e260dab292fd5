/** Domains on the command line: records to set, and an exit code that says whether they are right. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Diagnosis } from '#certs/dns/diagnosis';
import { until } from '#test/support/until';
import { linesOf, TideGround } from './tide-ground.ts';

const WRONG: Diagnosis = {
  code: 'dns.wrong_target',
  detail: 'shop.test points to 192.0.2.9.',
  fix: 'Change the record to 192.0.2.1.',
  wanted: ['192.0.2.1'],
  seen: ['192.0.2.9'],
};
const VERIFY = ['domains', 'verify', 'shop.test'];
const TOO_SOON_MS = 5000;

async function withDomain(...args: Parameters<typeof TideGround.start>): Promise<TideGround> {
  const ground = await TideGround.start(...args);
  ground.discover();
  const { code, stderr } = await ground.tide(['domains', 'add', 'shop.test']);
  assert.equal(code, 0, stderr);
  return ground;
}

test('domains add shows the records to set as a table, and says how to go on', async (t) => {
  const ground = await TideGround.start(t);
  ground.discover();
  const { code, stdout, stderr } = await ground.tide(['domains', 'add', 'Shop.Test', '-a', 'shop', '--path', '/cart']);
  assert.equal(code, 0);
  assert.deepEqual(
    linesOf(stdout).map((line) => line.split(/ {2,}/)),
    [
      ['TYPE', 'NAME', 'VALUE', 'PURPOSE', 'STATE'],
      ['TXT', '_tidegate.shop.test', 'tidegate-verify=default-shop.test', 'ownership', 'missing'],
    ],
  );
  assert.match(stderr, /tide domains verify shop\.test --wait/);
  const shown = await ground.tide(['domains', 'show', 'SHOP.test', '--json']);
  assert.deepEqual(JSON.parse(shown.stdout), await ground.api('/v1/domains/shop.test'));
  assert.equal(JSON.parse(shown.stdout).path, '/cart');
  const id = JSON.parse(shown.stdout).id;
  assert.match((await ground.tide(['domains', 'show', id])).stdout, /Ownership +False +There is no TXT/);
  assert.match(
    (await ground.tide(['domains', 'ls'])).stdout,
    /shop\.test +shop +pending_ownership +none +– +in 5 seconds/,
  );
});

test('domains verify ends with 7 and says what to do while it is wrong, with 0 when it is right', async (t) => {
  const ground = await withDomain(t);
  const { domains, clock } = ground.tidegate;
  domains.diagnosis = [WRONG];
  const wrong = await ground.tide(VERIFY);
  assert.equal(wrong.code, 7);
  assert.match(
    wrong.stdout,
    /TYPE +NAME +WANTED +SEEN +STATE\nTXT +_tidegate\.shop\.test +tidegate-verify=\S+ +– +missing/,
  );
  assert.match(
    wrong.stdout,
    /dns\.wrong_target: .*\n {2}wanted: 192\.0\.2\.1\n {2}seen: 192\.0\.2\.9\n {2}fix: Change the record/,
  );
  domains.diagnosis = [];
  const soon = await ground.tide([...VERIFY, '--json']);
  assert.equal(soon.code, 7, 'what was found a moment ago still stands');
  assert.deepEqual(JSON.parse(soon.stdout), await ground.api('/v1/domains/shop.test'));
  await clock.advance(TOO_SOON_MS);
  const right = await ground.tide(VERIFY);
  assert.deepEqual([right.code, right.stderr], [0, 'shop.test is verified and has its certificate.\n']);
});

test('domains verify --wait checks as often as it may, until it is right', async (t) => {
  const ground = await withDomain(t);
  const { domains, clock } = ground.tidegate;
  domains.diagnosis = [WRONG];
  const checks = (): number => domains.calls.filter((call) => call.startsWith('verify')).length;
  const running = ground.begin([...VERIFY, '--wait=60', '--json']);
  await until(() => running.stderr().includes('pending_dns, dns.wrong_target; checking again, for 60 seconds at most'));
  await until(() => ground.pauses === 1);
  await clock.advance(TOO_SOON_MS);
  await until(() => checks() === 2 && ground.pauses === 1);
  domains.diagnosis = [];
  await clock.advance(TOO_SOON_MS);
  const { code, stdout, stderr } = await running.done;
  assert.deepEqual([code, JSON.parse(stdout).status, checks()], [0, 'active', 3]);
  assert.equal(stderr.match(/pending_dns/g)?.length, 1, 'nothing new is not said again');
});

test('when somebody else has just checked, it waits as long as the gateway says', async (t) => {
  const ground = await withDomain(t);
  const { domains, clock } = ground.tidegate;
  domains.diagnosis = [WRONG];
  await ground.tide(VERIFY);
  await clock.advance(3000);
  domains.diagnosis = [];
  const running = ground.begin([...VERIFY, '--wait']);
  await until(() => running.stderr().includes('checking again') && ground.pauses === 1);
  await clock.advance(1999);
  assert.equal(domains.calls.filter((call) => call.startsWith('verify')).length, 1);
  await clock.advance(1);
  assert.equal((await running.done).code, 0);
});

test('a certificate that is not there yet counts only when it is asked for', async (t) => {
  const ground = await withDomain(t);
  const { clock } = ground.tidegate;
  const pending: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    return new Response(
      (await response.text()).replace('"status":"active"', '"status":"pending_certificate"'),
      response,
    );
  };
  const proved = await ground.tide(VERIFY, { fetch: pending });
  assert.equal(proved.code, 0);
  assert.match(proved.stderr, /its certificate is not there yet/);
  await clock.advance(TOO_SOON_MS);
  assert.equal((await ground.tide([...VERIFY, '--certificate'], { fetch: pending })).code, 7);
  await clock.advance(TOO_SOON_MS);
  assert.equal((await ground.tide([...VERIFY, '--certificate'])).code, 0);
});

test('domains verify ends with 6 when --wait is over, and with 130 at Ctrl-C', async (t) => {
  const ground = await withDomain(t);
  const { domains, clock } = ground.tidegate;
  domains.diagnosis = [WRONG];
  const running = ground.begin([...VERIFY, '--wait=2s']);
  await until(() => running.stderr().includes('checking again') && ground.pauses === 1);
  await clock.advance(2000);
  const { code, stdout, stderr } = await running.done;
  assert.equal(code, 6);
  assert.match(stderr, /shop\.test is not right after 2 seconds/);
  assert.match(stdout, /fix: Change the record/);
  const waiting = ground.begin([...VERIFY, '--wait']);
  await until(() => waiting.stderr().includes('checking again') && ground.pauses === 1);
  waiting.interrupt();
  assert.equal((await waiting.done).code, 130);
});

test('domains diagnose shows what every resolver says and checks nothing', async (t) => {
  const ground = await withDomain(t);
  const { domains } = ground.tidegate;
  domains.diagnosis = [WRONG];
  const wrong = await ground.tide(['domains', 'diagnose', 'shop.test']);
  assert.equal(wrong.code, 7);
  assert.match(wrong.stdout, /192\.0\.2\.53 +A +shop\.test +192\.0\.2\.1 +192\.0\.2\.9\n/);
  assert.match(wrong.stdout, /dns\.wrong_target/);
  const json = await ground.tide(['domains', 'diagnose', 'shop.test', '--json']);
  assert.deepEqual(JSON.parse(json.stdout), await ground.api('/v1/domains/shop.test/diagnose'));
  domains.diagnosis = [];
  assert.equal((await ground.tide(['domains', 'diagnose', 'shop.test'])).code, 0);
  assert.deepEqual(domains.calls, ['add shop.test']);
});
