/**
 * One of several processes that race for a lease on the state file in the directory they are given. Whoever has it makes
 * a file that must not be there yet, removes it again and lets go; its fences go to stdout, and `double` when two had it.
 */
import { closeSync, existsSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isTidegateError } from '#core/errors';
import { STATE_SHAPE } from '#store/migrations';
import { SqliteAccess } from '#store/sqlite-access';
import { openSqliteFile } from '#store/sqlite-file';
import { SqliteLeases } from '#store/sqlite-leases';
import type { Lease } from '#store/store';

const STDOUT = 1;
const SQLITE_BUSY = 5;
const TTL_MS = 600_000;
const HOLD_MS = 2;
/** For the rival to have its turn. */
const PAUSE_MS = 1;
const [, , directory = '', holder = '', count = '0', rival = ''] = process.argv;

const path = join(directory, 'tidegate.db');
const file = openSqliteFile(path, { shape: STATE_SHAPE, isChecked: false });
const leases = new SqliteLeases(new SqliteAccess(file.durable, path));
writeFileSync(join(directory, holder), '');
while (!existsSync(join(directory, rival))) stand(PAUSE_MS);
for (let held = 0; held < Number(count); ) {
  const lease = retried(() => leases.acquire('order', holder, TTL_MS, Date.now()));
  if (lease === null) continue;
  hold(lease);
  retried(() => leases.release(lease));
  stand(PAUSE_MS);
  held++;
}
file.close();

function hold(lease: Lease): void {
  const mark = join(directory, 'held');
  try {
    closeSync(openSync(mark, 'wx'));
    // As long as whoever has overlooked it would need to take it as well.
    stand(HOLD_MS);
    const isOurs = retried(() => leases.holds(lease, Date.now()));
    rmSync(mark);
    writeSync(STDOUT, isOurs ? `${lease.fence}\n` : 'double\n');
  } catch {
    writeSync(STDOUT, 'double\n');
  }
}

/** On a busy machine the other one may have the file for longer than a process waits. */
function retried<T>(step: () => T): T {
  for (;;) {
    try {
      return step();
    } catch (error) {
      if (!isTidegateError(error, 'store.failed') || error.detail.sqlite !== SQLITE_BUSY) throw error;
    }
  }
}

function stand(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
