/**
 * Cold start: how long do users wait for an app that sleeps, one alone and a crowd at once? The app has to fall asleep
 * within IDLE_MS after its last request.
 */
import { Trend } from 'k6/metrics';
import { ask, pause, setting, wakeMs } from './common.js';

const IDLE_MS = setting('IDLE_MS', 3000);
const CROWD = setting('CROWD', 50);
const ROUNDS = Math.max(1, Math.floor(setting('SECONDS', 60) / 2 / (IDLE_MS / 1000 + 1)));
/** Alone first; the crowd begins when that is over for certain. */
const CROWD_AFTER_S = Math.ceil(ROUNDS * (IDLE_MS / 1000 + 2)) + 5;

const wakes = new Trend('wake_ms', true);

export const options = {
  scenarios: {
    alone: {
      executor: 'per-vu-iterations',
      exec: 'alone',
      vus: 1,
      iterations: ROUNDS,
      maxDuration: `${CROWD_AFTER_S}s`,
    },
    crowd: { executor: 'per-vu-iterations', exec: 'crowd', vus: CROWD, iterations: 1, startTime: `${CROWD_AFTER_S}s` },
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    wake_ms: ['count>0', 'med<2000', 'max<10000'],
    'http_req_duration{scenario:crowd}': ['max<10000'],
  },
};

export async function alone() {
  await pause(IDLE_MS);
  const ms = wakeMs(await ask());
  if (ms !== null) wakes.add(ms);
}

export async function crowd() {
  await pause(IDLE_MS);
  await ask();
}
