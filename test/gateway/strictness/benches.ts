/**
 * Gateways for probes, several of one lane side by side, each with a byte-logging replica of its own: a probe that waits
 * holds up no other one.
 */
import { type Lane, Rig } from '../support/rig.ts';
import type { BenchPlace } from './bench.ts';
import { ByteLog } from './byte-log.ts';

const BESIDE = 6;

/** Runs `run` for every item on some bench and tells what came back other than ''. */
export async function onBenches<T>(
  options: { readonly lane: Lane; readonly hostnames: readonly string[] },
  items: readonly T[],
  run: (place: BenchPlace, item: T) => Promise<string>,
): Promise<string[]> {
  const failures: string[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    const rig = new Rig({ lane: options.lane });
    const replica = rig.owns(await ByteLog.start());
    await rig.start();
    try {
      for (const [i, host] of ['app.test', ...options.hostnames.filter((one) => one !== 'app.test')].entries()) {
        rig.addSet({ host, set: `set-${i}`, ports: [replica.port], policy: { retry: 0 } });
      }
      for (let item = items[next++]; item !== undefined; item = items[next++]) {
        const failure = await run({ port: rig.port, replica }, item);
        if (failure !== '') failures.push(failure);
      }
      await rig.quiet();
    } finally {
      await rig.close();
    }
  };
  await Promise.all(Array.from({ length: BESIDE }, work));
  return failures;
}
