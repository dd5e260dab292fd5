/** Churn: the app is put to sleep under its users again and again. Each of them may wait; none may be turned away. */
import http from 'k6/http';
import { Counter } from 'k6/metrics';
import { ADMIN, APP, ask, pause, setting, wakeMs } from './common.js';

const RATE = setting('RATE', 50);
const SECONDS = setting('SECONDS', 60);
const EVERY_MS = setting('EVERY_MS', 3000);
const LAST_SLEEP_MS = 2000;

const slept = new Counter('put_to_sleep');
const woken = new Counter('held_for_a_wake');

export const options = {
  scenarios: {
    users: {
      executor: 'constant-arrival-rate',
      exec: 'user',
      rate: RATE,
      timeUnit: '1s',
      duration: `${SECONDS}s`,
      preAllocatedVUs: RATE,
      maxVUs: RATE * 40,
    },
    operator: {
      executor: 'constant-vus',
      exec: 'operator',
      vus: 1,
      duration: `${Math.max(1, SECONDS - LAST_SLEEP_MS / 1000)}s`,
    },
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    put_to_sleep: ['count>0'],
    held_for_a_wake: ['count>0'],
    dropped_iterations: ['count==0'],
  },
};

export async function user() {
  if (wakeMs(await ask()) !== null) woken.add(1);
}

export async function operator() {
  await pause(EVERY_MS);
  if ((await scale({ replicas: 0 })).status === 200) slept.add(1);
}

export async function teardown() {
  await scale({ replicas: null });
}

function scale(change) {
  return http.asyncRequest('PUT', `${ADMIN}/v1/apps/${APP}/sets/web/scale`, JSON.stringify(change), {
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${__ENV.TOKEN}` },
  });
}
