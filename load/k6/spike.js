/** Spike: does an app that slept come through a crowd that is there from one second to the next? */
import { ask, setting } from './common.js';

const RATE = setting('RATE', 300);
const SECONDS = setting('SECONDS', 30);

export const options = {
  scenarios: {
    spike: {
      executor: 'ramping-arrival-rate',
      exec: 'spike',
      startRate: 5,
      timeUnit: '1s',
      preAllocatedVUs: RATE,
      maxVUs: RATE * 10,
      stages: [
        { target: 5, duration: `${SECONDS / 3}s` },
        { target: RATE, duration: '1s' },
        { target: RATE, duration: `${SECONDS / 3}s` },
        { target: 5, duration: '1s' },
        { target: 5, duration: `${SECONDS / 3}s` },
      ],
    },
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    http_req_duration: ['med<20', 'max<10000'],
    dropped_iterations: ['count==0'],
  },
};

export async function spike() {
  await ask();
}
