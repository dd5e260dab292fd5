/**
 * The verdict on a probe: what the client got and what the replica saw, against the outcomes that are allowed. Whatever the
 * outcome, what the replica saw has to be whole requests with one reading.
 */
import type { Observation } from './bench.ts';
import { sightOf } from './byte-log.ts';
import type { ReadMessage } from './node-reader.ts';
import { CANARY, type Outcome, type Probe, type Wanted } from './probe.ts';

/** Fields of one hop, which must not reach the next one. */
const HOP_BY_HOP: readonly string[] = ['keep-alive', 'te', 'proxy-connection', 'proxy-authorization', 'http2-settings'];

/** `lenient`: for proxies that answer in words and states of their own. */
export interface Strictness {
  readonly lenient: boolean;
}

/** Why the probe failed, or '' if it passed. */
export function verdict(probe: Probe, seen: Observation, { lenient }: Strictness = { lenient: false }): string {
  const general = [...generalFaults(seen, lenient)];
  const faults = probe.outcomes.map((outcome) => [...outcomeFaults(probe, outcome, seen, lenient)]);
  const best = faults.reduce((a, b) => (b.length < a.length ? b : a), faults[0] ?? []);
  const all = [...general, ...best];
  if (all.length === 0) return '';
  const got = `got ${JSON.stringify(seen.received.octets.slice(0, 200))}, replica saw ${JSON.stringify(seen.seen.octets.slice(0, 300))}`;
  return `${probe.clause}: ${probe.name}: ${all.join('; ')} (${got})`;
}

function* generalFaults({ received, seen, after }: Observation, lenient: boolean): Generator<string> {
  if (received.end === 'stalled') yield 'the client was left waiting';
  if (seen.errors.length > 0) yield `the replica could not read it: ${seen.errors.join(', ')}`;
  if (after !== '') yield after;
  if (!lenient && received.error !== '') yield `the client could not read its answer: ${received.error}`;
  for (const request of seen.requests) yield* hygiene(request, lenient);
}

function* hygiene(request: ReadMessage, lenient: boolean): Generator<string> {
  const names = request.fields.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
  const count = (name: string): number => names.filter((one) => one === name).length;
  if (count('host') !== 1) yield `${count('host')} Host fields`;
  if (count('content-length') + count('transfer-encoding') > 1) yield 'more than one framing field';
  for (const name of HOP_BY_HOP) if (count(name) > 0) yield `${name} went on`;
  if (lenient) return;
  if (!request.upgrade && count('connection') + count('upgrade') > 0) yield 'a connection option went on';
  for (const name of ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-request-id']) {
    if (count(name) !== 1) yield `${count(name)} ${name} fields`;
  }
}

function* outcomeFaults(probe: Probe, outcome: Outcome, given: Observation, lenient: boolean): Generator<string> {
  const { received, seen } = given;
  const answers = received.answers.filter((answer) => answer.status >= 200);
  const requests = seen.requests.filter((request) => request.target !== CANARY.target);
  const canaries = seen.requests.length - requests.length;
  const [first] = answers;
  switch (outcome.is) {
    case 'refused':
      if (requests.length > 0 || seen.cut > 0) yield 'it was forwarded';
      if (lenient) {
        if (first !== undefined && first.status < 400) yield `answered ${first.status}`;
        return;
      }
      if (canaries > 0) yield 'the canary was served';
      if (answers.length !== 1) yield `${answers.length} answers instead of one`;
      if (first === undefined || !outcome.status.includes(first.status)) yield `status ${first?.status}`;
      if (received.end !== 'ended') yield `the connection was ${received.end}`;
      return;
    case 'answered':
      if (requests.length > 0 || seen.cut > 0) yield 'it was forwarded';
      if (first === undefined || !outcome.status.includes(first.status)) yield `status ${first?.status}`;
      if (!lenient && answers.length !== 1 + canaries) yield `${answers.length} answers`;
      return;
    case 'dropped':
      if (seen.requests.length > 0) yield 'a whole request was forwarded';
      if (first !== undefined && first.status < 400) yield `answered ${first.status}`;
      return;
    case 'served':
      yield* servedFaults(probe, outcome, given, lenient);
  }
}

function* servedFaults(
  probe: Probe,
  outcome: Outcome & { is: 'served' },
  { received, seen }: Observation,
  lenient: boolean,
): Generator<string> {
  const canary = probe.ends === true || outcome.closes ? [] : [CANARY];
  const wanted = [...outcome.requests, ...canary];
  const saw = seen.requests.map((request) => `${request.method} ${request.target}`).join(', ');
  if (seen.requests.length !== wanted.length) yield `the replica saw ${seen.requests.length} requests (${saw})`;
  if (seen.cut > 0) yield 'a request was cut';
  for (const [i, one] of wanted.entries()) {
    const request = seen.requests[i];
    if (request !== undefined) yield* wantedFaults(one, request, lenient);
  }
  const answers = received.answers.filter((answer) => answer.status >= 200);
  if (answers.length !== wanted.length) yield `${answers.length} answers for ${wanted.length} requests`;
  for (const [i, answer] of answers.entries()) {
    const request = seen.requests[i];
    if (request === undefined) continue;
    const body = request.method === 'HEAD' ? '' : sightOf(request);
    if (answer.status !== 200 || answer.body !== body) yield `answer ${i} is ${answer.status} ${answer.body}`;
  }
}

/** How a request differs from what had to arrive, fields of one hop among it. */
export function meaningFaults(wanted: Wanted, request: ReadMessage): string[] {
  return [...hygiene(request, false), ...wantedFaults(wanted, request, false)];
}

function* wantedFaults(wanted: Wanted, request: ReadMessage, lenient: boolean): Generator<string> {
  const lines: string[] = [];
  for (let i = 0; i < request.fields.length; i += 2) {
    lines.push(`${request.fields[i]?.toLowerCase()}: ${request.fields[i + 1]}`);
  }
  const { method, target } = request;
  if (method !== wanted.method || target !== wanted.target) yield `read as ${method} ${target}`;
  if (wanted.body !== undefined && request.body !== wanted.body) yield `body ${JSON.stringify(request.body)}`;
  if (wanted.host !== undefined && !lenient && !lines.includes(`host: ${wanted.host}`))
    yield `Host is not ${wanted.host}`;
  for (const line of wanted.with ?? []) if (!lines.includes(line)) yield `no ${line}`;
  for (const name of wanted.without ?? []) {
    if (lines.some((line) => line.startsWith(`${name}: `))) yield `${name} went on`;
  }
  if (wanted.trailers !== undefined && !lenient) {
    const trailers = JSON.stringify(request.trailers);
    if (trailers !== JSON.stringify(wanted.trailers)) yield `trailers ${trailers}`;
  }
}
