/** The module `k6/http` as far as our scripts use it: `asyncRequest`, on connections that a virtual user keeps. */
import { Agent, type IncomingMessage, request } from 'node:http';
import { parseDuration } from '../duration.ts';
import type { Tags } from '../metric.ts';
import { session } from '../session.ts';

const TIMEOUT_MS = 60_000;
/** May be sent again when a kept connection turns out to be closed, as every client does. */
const REPEATABLE = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']);

interface Params {
  readonly headers?: Readonly<Record<string, string>>;
  readonly tags?: Tags;
  readonly timeout?: string | number;
}

interface Response {
  /** 0: there was none. */
  readonly status: number;
  /** Names as in `Content-Type`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly error: string;
  readonly timings: { /** From the first octet sent to the last one received, ms. */ readonly duration: number };
  json(): unknown;
}

/** Resolves to a response with status 0 and the error in words when there was none; never rejects. */
async function asyncRequest(
  method: string,
  url: string,
  body: string | null = null,
  params: Params = {},
): Promise<Response> {
  const agent = session.turns.getStore()?.agent ?? new Agent();
  let response = await once({ method, url, body, params, agent });
  if (response.error === STALE && REPEATABLE.has(method)) response = await once({ method, url, body, params, agent });
  const { tags = {} } = params;
  session.sample('http_reqs', 1, tags);
  session.sample('http_req_duration', response.timings.duration, tags);
  session.sample('http_req_failed', response.status >= 200 && response.status < 400 ? 0 : 1, tags);
  session.sample('data_received', response.body.length, tags);
  return response;
}

const STALE = 'a kept connection was closed';

interface Sending {
  readonly method: string;
  readonly url: string;
  readonly body: string | null;
  readonly params: Params;
  readonly agent: Agent;
}

function once({ method, url, body, params, agent }: Sending): Promise<Response> {
  return new Promise((resolve) => {
    let begun = performance.now();
    const timeoutMs =
      typeof params.timeout === 'string' ? parseDuration(params.timeout) : (params.timeout ?? TIMEOUT_MS);
    const call = request(url, { method, agent, headers: { ...params.headers } });
    const timer = setTimeout(() => call.destroy(new Error('request timeout')), timeoutMs);
    const settle = (status: number, headers: Readonly<Record<string, string>>, text: string, error: string): void => {
      clearTimeout(timer);
      const timings = { duration: performance.now() - begun };
      resolve({ status, headers, body: text, error, timings, json: () => JSON.parse(text) as unknown });
    };
    call.on('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => (begun = performance.now()));
    });
    call.on('error', (error: NodeJS.ErrnoException) => {
      const stale = call.reusedSocket && error.code === 'ECONNRESET';
      settle(0, {}, '', stale ? STALE : error.message);
    });
    call.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => (text += chunk));
      response.on('error', (error) => settle(0, {}, '', error.message));
      response.on('end', () => settle(response.statusCode ?? 0, headersOf(response), text, ''));
    });
    call.end(body ?? undefined);
  });
}

function headersOf(response: IncomingMessage): Record<string, string> {
  const canonical = (name: string): string => name.replace(/(?:^|-)[a-z]/g, (letters) => letters.toUpperCase());
  return Object.fromEntries(
    Object.entries(response.headersDistinct).map(([name, values]) => [canonical(name), (values ?? []).join(', ')]),
  );
}

// biome-ignore lint/style/noDefaultExport: scripts write `import http from 'k6/http'`, as k6 wants it.
export default { asyncRequest };
