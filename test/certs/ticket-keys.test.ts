/** Ticket keys: the same for all who read them, for half a day. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { currentTicketKeys } from '#certs/ticket-keys';

const HALF_DAY_MS = 43_200_000;

test('everybody reads the same keys until they are too old or broken', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidegate-tickets-'));
  try {
    const file = path.join(folder, 'ticket-keys');
    let now = Date.now();
    const read = (): string => currentTicketKeys({ file, wall: () => now, random: randomBytes }).toString('hex');
    const first = read();
    assert.equal(first.length, 96);
    assert.equal(read(), first);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    // Their age counts from when they were written, by the clock of the file system.
    now = statSync(file).mtimeMs + HALF_DAY_MS;
    const second = read();
    assert.notEqual(second, first);
    now = Date.now();
    writeFileSync(file, 'short');
    assert.ok(![first, second].includes(read()));
    assert.deepEqual(readdirSync(folder), ['ticket-keys'], 'nothing is left beside it');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
