/** An operator's own certificates: found by name, followed when they change, never lost to a bad file. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { CertificateMaterial } from '#certs/material';
import { OwnCertificates } from '#certs/own-certificates';
import { jsonLog } from '#core/log';
import { FakeClock } from '#test/support/fake-clock';
import { until } from '#test/support/until';
import { testAuthority } from './certificate-authority.ts';

const authority = testAuthority();

interface Folder {
  readonly own: OwnCertificates;
  readonly clock: FakeClock;
  readonly lines: string[];
  changes: number;
  write(name: string, material: Pick<CertificateMaterial, 'chain' | 'key'>): void;
}

async function inFolder(
  prepare: (folder: Pick<Folder, 'write'>) => void,
  run: (folder: Folder) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), 'tidegate-own-'));
  const write = (name: string, { chain, key }: Pick<CertificateMaterial, 'chain' | 'key'>): void => {
    const isFolder = name.endsWith('/');
    if (isFolder) mkdirSync(path.join(directory, name), { recursive: true });
    writeFileSync(path.join(directory, isFolder ? `${name}fullchain.pem` : `${name}.crt`), chain);
    writeFileSync(path.join(directory, isFolder ? `${name}privkey.pem` : `${name}.key`), key);
  };
  prepare({ write });
  const clock = new FakeClock();
  const lines: string[] = [];
  const log = jsonLog({ level: 'info', write: (line) => void lines.push(line), wall: () => 0 });
  const state = { changes: 0 };
  const own = await OwnCertificates.open({ directory, clock, log, onChange: () => state.changes++ });
  try {
    await run({
      own,
      clock,
      lines,
      write,
      get changes() {
        return state.changes;
      },
    });
  } finally {
    own.close();
    rmSync(directory, { recursive: true });
  }
}

test('both forms are found, by every name in the certificate', async () => {
  const pair = authority.issue(['shop.test', '*.shop.test']);
  const live = authority.issue(['live.test']);
  const prepare = ({ write }: Pick<Folder, 'write'>): void => {
    write('shop.test', pair);
    write('live.test/', live);
  };
  await inFolder(prepare, async ({ own }) => {
    assert.equal(own.find('shop.test')?.chain, pair.chain);
    assert.equal(own.find('a.shop.test')?.chain, pair.chain);
    assert.equal(own.find('live.test')?.key, live.key);
    assert.equal(own.find('b.a.shop.test'), null);
    assert.equal(own.find('other.test'), null);
  });
});

test('a renewed certificate is served within seconds, a broken one not at all', async () => {
  const first = authority.issue(['shop.test']);
  const second = authority.issue(['shop.test']);
  await inFolder(
    ({ write }) => write('shop.test', first),
    async (folder) => {
      const { own, clock, write, lines } = folder;
      write('shop.test', second);
      await clock.advance(10_000);
      await until(() => own.find('shop.test')?.chain === second.chain);
      assert.equal(folder.changes, 2);
      write('shop.test', { chain: second.chain, key: first.key });
      await own.read();
      assert.equal(own.find('shop.test')?.chain, second.chain, 'the last good one stays');
      assert.match(lines.join(''), /the key does not belong to the certificate/);
      write('shop.test', first);
      await own.read();
      assert.equal(own.find('shop.test')?.chain, first.chain);
    },
  );
});

test('of two for one name the one that lasts longer is served', async () => {
  const short = authority.issue(['shop.test'], Date.now() + 60_000);
  const long = authority.issue(['shop.test']);
  const prepare = ({ write }: Pick<Folder, 'write'>): void => {
    write('a', long);
    write('b', short);
  };
  await inFolder(prepare, async ({ own }) => assert.equal(own.find('shop.test')?.chain, long.chain));
});
