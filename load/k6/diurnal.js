/**
 * Diurnal: does an app follow the load of a day with a burst, so that its users do not notice? A day of SECONDS: a night at
 * LOW requests a second, noon at NOON, and in the afternoon a burst of BURST that builds up, stays and goes within a thirtieth of
 * the day each.
 */
import { ask, setting } from './common.js';

const SECONDS = setting('SECONDS', 240);
const LOW = setting('LOW', 10);
const NOON = setting('NOON', 175);
const BURST = setting('BURST', 350);
const WORK_MS = 100;
const STEPS = 60;
/** Steps of the day in which the burst begins, is there in full, begins to go and is gone. */
const BURST_STEPS = [38, 40, 42, 44];

export const options = {
  scenarios: {
    day: {
      executor: 'ramping-arrival-rate',
      exec: 'visit',
      startRate: LOW,
      timeUnit: '1s',
      preAllocatedVUs: 100,
      maxVUs: BURST * 10,
      stages: Array.from({ length: STEPS }, (_, step) => ({
        target: Math.round(rateAt(step + 1)),
        duration: `${SECONDS / STEPS}s`,
      })),
    },
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    http_req_duration: [`p(95)<${WORK_MS + 30}`],
    dropped_iterations: ['count==0'],
  },
};

export async function visit() {
  await ask({ path: `/work?ms=${WORK_MS}` });
}

function rateAt(step) {
  const wave = (1 - Math.cos((2 * Math.PI * step) / STEPS)) / 2;
  const usual = LOW + (NOON - LOW) * wave ** 1.5;
  const [begins, full, goes, gone] = BURST_STEPS;
  const share = Math.max(0, Math.min((step - begins) / (full - begins), 1, (gone - step) / (gone - goes)));
  return usual + Math.max(0, BURST - usual) * share;
}
