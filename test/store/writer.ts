/**
 * The process that the crash test kills: opens the store in the directory it is given and writes as fast as it can,
 * saying on stdout what was acknowledged: `s<n>` a scale, `n<n>` a sleeping note, `e<n>` events.
 */
import { writeSync } from 'node:fs';
import { openSqliteStore } from '#store/sqlite-store';
import { event } from './store-contract.ts';

const STDOUT = 1;
const [, , directory = '', first = '0'] = process.argv;

const store = await openSqliteStore(directory);
for (let n = Number(first); ; n++) {
  await store.putScale(`default/app${n % 50}/web`, { min: n, max: null, replicas: n, by: 'writer', at: n });
  writeSync(STDOUT, `s${n}\n`);
  await store.putSleeping(`local/r${n % 50}`, { tier: 'frozen', direct: n % 2 === 0, at: n });
  writeSync(STDOUT, `n${n}\n`);
  await store.appendEvents([event(2 * n), event(2 * n + 1)]);
  writeSync(STDOUT, `e${n}\n`);
}
