/**
 * Probes: may this upstream take requests? A TCP connect, or a GET whose status has to lie in a range. A probe never
 * throws: it passed or it did not, and why.
 */
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { messageOf } from '#core/errors';
import type { Endpoint, ReplicaSnapshot, SetPolicy } from '#core/set';

export type ProbeResult = { readonly passed: true } | { readonly passed: false; readonly reason: string };

/** Asks once. Ends with the policy's timeout, or at once when the signal aborts. */
export type Probe = (
  endpoint: Endpoint,
  policy: Pick<SetPolicy, 'proto' | 'health'>,
  signal: AbortSignal,
) => Promise<ProbeResult>;

/** The probe for one replica, which may have been made to be looked at in a way of its own. */
export function probeOf(probe: Probe, replica: () => Pick<ReplicaSnapshot, 'look'>): Probe {
  return (endpoint, policy, signal) => {
    const { look } = replica();
    return probe(endpoint, look === undefined ? policy : { ...policy, health: { ...policy.health, ...look } }, signal);
  };
}

/** A probe over the network. */
export const networkProbe: Probe = async (endpoint, policy, signal) => {
  const { health, proto } = policy;
  try {
    if (health.path === null) return await connectProbe(endpoint, health.timeoutMs, signal);
    if (proto === 'h2c') return await h2cProbe(endpoint, health.path, policy, signal);
    return await httpProbe(endpoint, health.path, policy, signal);
  } catch (error) {
    // Node refuses some addresses and paths before it sends anything.
    return { passed: false, reason: messageOf(error) };
  }
};

function connectProbe(endpoint: Endpoint, timeoutMs: number, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: endpoint.dialHost, port: endpoint.dialPort });
    const finish = finisher(resolve, timeoutMs, signal, () => socket.destroy());
    socket.on('connect', () => finish({ passed: true }));
    socket.on('error', (error) => finish({ passed: false, reason: error.message }));
  });
}

function httpProbe(
  endpoint: Endpoint,
  path: string,
  policy: Pick<SetPolicy, 'proto' | 'health'>,
  signal: AbortSignal,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const client = policy.proto === 'https' ? https : http;
    const request = client.request({
      host: endpoint.dialHost,
      port: endpoint.dialPort,
      path,
      agent: false,
      headers: { 'user-agent': 'tidegate-probe', connection: 'close' },
      ...(policy.proto === 'https' ? { rejectUnauthorized: false } : {}),
    });
    const finish = finisher(resolve, policy.health.timeoutMs, signal, () => request.destroy());
    request.on('response', (response) => finish(judge(response.statusCode ?? 0, policy)));
    request.on('error', (error) => finish({ passed: false, reason: error.message }));
    request.on('close', () => finish({ passed: false, reason: 'the connection was closed' }));
    request.end();
  });
}

function h2cProbe(
  endpoint: Endpoint,
  path: string,
  policy: Pick<SetPolicy, 'proto' | 'health'>,
  signal: AbortSignal,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const host = net.isIPv6(endpoint.dialHost) ? `[${endpoint.dialHost}]` : endpoint.dialHost;
    const session = http2.connect(`http://${host}:${endpoint.dialPort}`);
    const finish = finisher(resolve, policy.health.timeoutMs, signal, () => session.destroy());
    session.on('error', (error) => finish({ passed: false, reason: error.message }));
    session.on('close', () => finish({ passed: false, reason: 'the connection was closed' }));
    const stream = session.request({ ':path': path, 'user-agent': 'tidegate-probe' });
    stream.on('response', (headers) => finish(judge(Number(headers[':status'] ?? 0), policy)));
    stream.on('error', (error) => finish({ passed: false, reason: error.message }));
    stream.end();
  });
}

function judge(status: number, policy: Pick<SetPolicy, 'health'>): ProbeResult {
  const [from, to] = policy.health.status;
  return status >= from && status <= to ? { passed: true } : { passed: false, reason: `status ${status}` };
}

/** Resolves once, with the first of result, timeout and abort, and cleans up after each of them. */
function finisher(
  resolve: (result: ProbeResult) => void,
  timeoutMs: number,
  signal: AbortSignal,
  destroy: () => void,
): (result: ProbeResult) => void {
  let done = false;
  const finish = (result: ProbeResult): void => {
    if (done) return;
    done = true;
    clearTimeout(timeout);
    signal.removeEventListener('abort', onAbort);
    destroy();
    resolve(result);
  };
  const onAbort = (): void => finish({ passed: false, reason: 'given up' });
  const timeout = setTimeout(() => finish({ passed: false, reason: `no answer within ${timeoutMs} ms` }), timeoutMs);
  timeout.unref();
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return finish;
}
