/** Passwords: who comes in, and what it costs to find out. */
import assert from 'node:assert/strict';
import { scryptSync } from 'node:crypto';
import { after, test } from 'node:test';
import { hashSync } from 'bcryptjs';
import type { BasicAuthPolicy } from '#core/edge-policy';
import { BasicAuth } from '#gateway/policies/basic-auth';
import { matchesHash } from '#gateway/policies/password-hash';
import { PasswordThread, type Verdict } from '#gateway/policies/password-thread';

const SCRYPT = scryptHash('sesame');
const BCRYPT = hashSync('open', 4).replace('$2b$', '$2y$');
const thread = new PasswordThread();
after(() => thread.close());

function scryptHash(password: string): string {
  const salt = Buffer.from('0123456789abcdef');
  const key = scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 });
  const text = (octets: Buffer): string => octets.toString('base64').replace(/=+$/, '');
  return `$scrypt$ln=10,r=8,p=1$${text(salt)}$${text(key)}`;
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function policy(): BasicAuthPolicy {
  const users = [
    { name: 'ali', hash: SCRYPT },
    { name: 'bob', hash: BCRYPT },
  ];
  return { users, realm: 'Staging', forward: false };
}

/** A thread that counts what it is asked. */
class Counted extends PasswordThread {
  readonly asked: string[] = [];

  override ask(hash: string, password: string): Promise<Verdict> {
    this.asked.push(password);
    return super.ask(hash, password);
  }
}

test('a hash fits its password and no other, in both kinds', () => {
  for (const [hash, password] of [
    [SCRYPT, 'sesame'],
    [BCRYPT, 'open'],
    [scryptHash('pässwörd'), 'pässwörd'],
  ] as const) {
    assert.equal(matchesHash(hash, password), true);
    assert.equal(matchesHash(hash, `${password}x`), false);
    assert.equal(matchesHash(hash, ''), false);
  }
});

test('users come in with their own password alone', async () => {
  const auth = new BasicAuth(policy(), thread);
  assert.equal(await auth.check(basic('ali', 'sesame')), true);
  assert.equal(await auth.check(basic('bob', 'open')), true);
  for (const [user, password] of [
    ['ali', 'open'],
    ['bob', 'sesame'],
    ['ali', ''],
    ['eve', 'sesame'],
    ['', 'sesame'],
    ['Ali', 'sesame'],
  ] as const) {
    assert.equal(await auth.check(basic(user, password)), false, `${user}:${password}`);
  }
});

test('a password may hold colons, and what is no credential of this kind is refused at once', async () => {
  const users = [{ name: 'ali', hash: scryptHash('a:b:') }];
  const auth = new BasicAuth({ ...policy(), users }, thread);
  assert.equal(await auth.check(basic('ali', 'a:b:')), true);
  for (const authorization of [undefined, '', 'Basic', 'Bearer abc', 'Basic a b', `Basic ${'a'.repeat(1025)}`]) {
    assert.equal(auth.check(authorization), false, authorization);
  }
  assert.equal(await auth.check('Basic YWxp'), false);
});

test('what was found out is known from then on, for good and for bad', async () => {
  const counted = new Counted();
  try {
    const auth = new BasicAuth(policy(), counted);
    await auth.check(basic('ali', 'sesame'));
    await auth.check(basic('ali', 'wrong'));
    for (let i = 0; i < 100; i++) {
      assert.equal(auth.check(basic('ali', 'sesame')), true);
      assert.equal(auth.check(basic('ali', 'wrong')), false);
    }
    assert.deepEqual(counted.asked, ['sesame', 'wrong']);
  } finally {
    counted.close();
  }
});

test('a client that asks for many things at once is checked once', async () => {
  const counted = new Counted();
  try {
    const auth = new BasicAuth(policy(), counted);
    const verdicts = await Promise.all(Array.from({ length: 50 }, () => auth.check(basic('ali', 'sesame'))));
    assert.deepEqual(new Set(verdicts), new Set([true]));
    assert.deepEqual(counted.asked, ['sesame']);
  } finally {
    counted.close();
  }
});

test('the name of a user cannot be told from what is done to find out', async () => {
  const counted = new Counted();
  try {
    const auth = new BasicAuth(policy(), counted);
    await auth.check(basic('nobody', 'guess'));
    assert.deepEqual(counted.asked, ['guess']);
    // Not even with the password of the user whose hash stood in.
    assert.equal(await auth.check(basic('nobody', 'sesame')), false);
  } finally {
    counted.close();
  }
});

test('guesses beyond a bound are not taken, and those who are known come in all the while', async () => {
  const own = new PasswordThread();
  try {
    const auth = new BasicAuth(policy(), own);
    assert.equal(await auth.check(basic('ali', 'sesame')), true);
    const guesses = Array.from({ length: 100 }, (_, i) => auth.check(basic('ali', `guess ${i}`)));
    assert.equal(guesses.filter((one) => one === null).length, 100 - 32);
    assert.equal(auth.check(basic('ali', 'sesame')), true);
    assert.deepEqual(new Set(await Promise.all(guesses)), new Set([false, null]));
  } finally {
    own.close();
  }
});

test('after close nothing is found out any more, and nobody waits for it', async () => {
  const own = new PasswordThread();
  const auth = new BasicAuth(policy(), own);
  const pending = auth.check(basic('ali', 'sesame'));
  own.close();
  assert.equal(await pending, null);
  assert.equal(auth.check(basic('ali', 'sesame')), null);
});
