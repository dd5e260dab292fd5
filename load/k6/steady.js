/** Steady: do users of a running app notice the gateway at an even load? */
import { ask, setting } from './common.js';

const RATE = setting('RATE', 200);

export const options = {
  scenarios: {
    steady: {
      executor: 'constant-arrival-rate',
      exec: 'steady',
      rate: RATE,
      timeUnit: '1s',
      duration: `${setting('SECONDS', 60)}s`,
      preAllocatedVUs: RATE,
      maxVUs: RATE * 4,
    },
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    http_req_duration: ['med<10', 'p(99)<100'],
    dropped_iterations: ['count==0'],
  },
};

export async function steady() {
  await ask();
}
