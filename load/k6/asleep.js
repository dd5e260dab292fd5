/**
 * Asleep: many apps, of which nearly all sleep and some are asked now and then, each in its turn. Does every visitor get
 * an answer, and how long do those wait who wake one? The apps are called APP-1 to APP-COUNT.
 */
import { Trend } from 'k6/metrics';
import { APP, ask, setting, wakeMs } from './common.js';

const COUNT = setting('COUNT', 200);
const SECONDS = setting('SECONDS', 60);
/** Visits a minute. */
const RATE = setting('RATE', 30);

const wakes = new Trend('wake_ms', true);

export const options = {
  scenarios: {
    visits: {
      executor: 'constant-arrival-rate',
      exec: 'visit',
      rate: RATE,
      timeUnit: '60s',
      duration: `${SECONDS}s`,
      preAllocatedVUs: 10,
      maxVUs: 100,
    },
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    wake_ms: ['count>0', 'med<2000', 'max<10000'],
    dropped_iterations: ['count==0'],
  },
};

export function setup() {
  return { begun: Date.now() };
}

export async function visit({ begun }) {
  const turn = Math.round(((Date.now() - begun) * RATE) / 60_000);
  const ms = wakeMs(await ask({ app: `${APP}-${(turn % COUNT) + 1}` }));
  if (ms !== null) wakes.add(ms);
}
