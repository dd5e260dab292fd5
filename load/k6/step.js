/** Step: does an app with 100 ms of work follow from 10 to RATE requests a second and back, and do its users notice? */
import { ask, setting } from './common.js';

const RATE = setting('RATE', 200);
const SECONDS = setting('SECONDS', 60);
const LOW = 10;
const PHASE_S = SECONDS / 3;
const WORK_MS = 100;
/** After a step that long is left to the app to follow. */
const FOLLOWS_MS = 1000;

export const options = {
  scenarios: {
    step: {
      executor: 'ramping-arrival-rate',
      exec: 'step',
      startRate: LOW,
      timeUnit: '1s',
      preAllocatedVUs: RATE,
      maxVUs: RATE * 10,
      stages: [
        { target: LOW, duration: `${PHASE_S}s` },
        { target: RATE, duration: '1s' },
        { target: RATE, duration: `${PHASE_S}s` },
        { target: LOW, duration: '1s' },
        { target: LOW, duration: `${PHASE_S}s` },
      ],
    },
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    'http_req_duration{during:steady}': [`p(95)<${WORK_MS + 30}`],
    dropped_iterations: ['count==0'],
  },
};

export function setup() {
  return { begun: Date.now() };
}

export async function step({ begun }) {
  const since = Date.now() - begun;
  const steps = [PHASE_S * 1000, (2 * PHASE_S + 1) * 1000];
  const isStep = steps.some((at) => since >= at && since < at + 1000 + FOLLOWS_MS);
  await ask({ path: `/work?ms=${WORK_MS}`, tags: { during: isStep ? 'step' : 'steady' } });
}
