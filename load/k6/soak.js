/** Soak: a mixture of small, big, slow and uploading requests for a long time. Nothing may fail, slow down or pile up. */
import { ask, setting } from './common.js';

const DURATION = `${setting('SECONDS', 600)}s`;
const RATE = setting('RATE', 100);
const UPLOAD = 'x'.repeat(20_000);

export const options = {
  scenarios: {
    small: arrivals('small', 0.6),
    big: arrivals('big', 0.1),
    slow: arrivals('slow', 0.1),
    upload: arrivals('upload', 0.2),
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    'http_req_duration{scenario:small}': ['med<10', 'p(99)<100'],
    dropped_iterations: ['count==0'],
  },
};

export async function small() {
  await ask();
}

export async function big() {
  await ask({ path: '/bytes?n=262144' });
}

export async function slow() {
  await ask({ path: '/work?ms=250' });
}

export async function upload() {
  await ask({ method: 'POST', path: '/echo', body: UPLOAD });
}

function arrivals(exec, share) {
  const rate = Math.max(1, Math.round(RATE * share));
  return {
    executor: 'constant-arrival-rate',
    exec,
    rate,
    timeUnit: '1s',
    duration: DURATION,
    preAllocatedVUs: rate,
    maxVUs: rate * 4,
  };
}
