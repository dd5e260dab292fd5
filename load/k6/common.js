/**
 * What the k6 scenarios have in common. They run under k6 and, for want of it, under `load/k6-runner.ts`:
 *
 *     k6 run -e GATEWAY=http://127.0.0.1:8080 -e APP=hello load/k6/steady.js
 *
 * GATEWAY, ADMIN (for churn), TOKEN (an operator's, for churn), APP, SECONDS (how long), RATE (requests a second).
 */
import { check } from 'k6';
import http from 'k6/http';

export const GATEWAY = __ENV.GATEWAY || 'http://127.0.0.1:8080';
export const ADMIN = __ENV.ADMIN || 'http://127.0.0.1:9900';
export const APP = __ENV.APP || 'hello';

/** A number from the environment, or its default. */
export function setting(name, fallback) {
  return Number(__ENV[name] || fallback);
}

/** One request to an app through the gateway. */
export async function ask({ app = APP, method = 'GET', path = '/', body = null, headers = {}, tags = {} } = {}) {
  const response = await http.asyncRequest(method, `${GATEWAY}${path}`, body, {
    headers: { Host: `${app}.localhost`, ...headers },
    tags,
    timeout: '60s',
  });
  check(response, { 'answered 200': ({ status }) => status === 200 });
  return response;
}

/** Not k6's `sleep`, which stops the event loop with everything that is in flight. */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Ms of a wake as the gateway reports it, or null: the set was awake. */
export function wakeMs(response) {
  const found = /(?:^|,)\s*wake;(?:[^,]*;)?\s*dur=([\d.]+)/.exec(response.headers['Server-Timing'] || '');
  return found === null ? null : Number(found[1]);
}
