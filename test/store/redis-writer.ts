/**
 * The process that the crash test of Redis kills: writes as fast as it can, whatever becomes of the server, and says on
 * stdout what was acknowledged: `<n> <version>` of a document, `l <fence>` of a lease.
 */
import { writeSync } from 'node:fs';
import { silentLog } from '#core/log';
import { openRedisStore } from '#store/redis-store';

const STDOUT = 1;
const [, , url = '', first = '0'] = process.argv;

const store = await openRedisStore(url, silentLog);
for (let n = Number(first); ; n++) {
  // What fails was not acknowledged; it may be there or not.
  const version = await store.putDocument('crash', `d${n}`, { n }).catch(() => null);
  if (version !== null) writeSync(STDOUT, `${n} ${version}\n`);
  const lease = await store.acquireLease(`lease ${n}`, 'writer', 60_000, n).catch(() => null);
  if (lease !== null) writeSync(STDOUT, `l ${lease.fence}\n`);
}
