/**
 * The scanner's request vectors (test/gateway/http1) as probes over the wire: what the scanner refuses has to be refused by
 * a running gateway, what it accepts has to arrive with the meaning it found.
 */
import { REQUEST_FAULTS, type RequestFault } from '#gateway/http1/request-fault';
import { RequestHead } from '#gateway/http1/request-head';
import type { RequestVector } from '../http1/request-vector.ts';
import { REQUEST_VECTORS } from '../http1/request-vectors.ts';
import type { Outcome, Probe, Wanted } from './probe.ts';

/** Faults that a gateway may overlook without breaking a MUST. */
const OURS: ReadonlySet<RequestFault> = new Set([
  'method-unknown',
  'method-refused',
  'target',
  'target-too-long',
  'version',
  'head-too-large',
  'too-many-fields',
  'field-name-twin',
  'length-repeated',
  'coding-in-1.0',
  'connection-option',
  'connection-protected',
  'expectation',
  'max-forwards',
  'host-conflict',
]);
/** Bodies up to this size are sent along. */
const BODY_MAX_BYTES = 1000;
const CHUNKS = '5\r\nhello\r\n0\r\n\r\n';

/** Where the clause lets a server be liberal, and Node's parser is: these may be served, as this request. */
const LIBERTIES: Readonly<Record<string, string>> = {
  'two spaces before the version': '/',
  'LF first': '/',
  'CR first': '/',
  'two empty lines before the request-line': '/',
};
/** What may be refused as well. */
const REFUSABLE: ReadonlySet<string> = new Set(['a higher minor version is the highest known']);

const REFUSED: Outcome = { is: 'refused', status: [400, 505] };

const head = new RequestHead();

/** On the wire the preface of HTTP/2 is no request but another protocol. */
export const VECTOR_PROBES: readonly Probe[] = REQUEST_VECTORS.filter(
  ({ head: text }) => !text.startsWith('PRI * '),
).map(probeOf);

function probeOf(vector: RequestVector): Probe {
  const { clause, name, fault } = vector;
  if (fault !== undefined) {
    // Node's parser has one answer for most of what it cannot read.
    const status = [
      REQUEST_FAULTS[fault],
      400,
      ...(fault === 'target-too-long' ? [431] : []),
      ...(name === 'HTTP/0.9' ? [505] : []),
    ];
    const level = OURS.has(fault) ? 'ours' : 'must';
    const refused: Outcome = { is: 'refused', status };
    const target = LIBERTIES[name];
    const outcomes =
      target === undefined ? [refused] : [refused, servedAs({ method: 'GET', target, host: 'app.test' })];
    return { clause, name, level, octets: vector.head, outcomes };
  }
  const octets = Buffer.from(vector.head, 'latin1');
  head.scan(octets, 0, octets.length);
  const { outcomes, ...rest } = outcomeOf(head);
  const all = REFUSABLE.has(name) ? [...outcomes, REFUSED] : outcomes;
  return { clause, name, level: 'must', octets: vector.head + bodyOf(head), outcomes: all, ...rest };
}

function servedAs(wanted: Wanted, closes = false): Outcome {
  return { is: 'served', requests: [wanted], closes };
}

function bodyOf({ framing, contentLength }: RequestHead): string {
  if (framing === 'chunked') return CHUNKS;
  return framing === 'length' && contentLength <= BODY_MAX_BYTES ? 'b'.repeat(contentLength) : '';
}

function outcomeOf(head: RequestHead): Pick<Probe, 'outcomes' | 'ends'> {
  const { framing, contentLength, hostname, scheme, maxForwards } = head;
  if (contentLength > BODY_MAX_BYTES) return { ends: true, outcomes: [{ is: 'dropped' }] };
  if (maxForwards === 0) return { outcomes: [{ is: 'answered', status: [200] }] };
  if (scheme === 'https') return { outcomes: [{ is: 'answered', status: [421] }] };
  if (hostname === '') return { outcomes: [{ is: 'answered', status: [400, 404] }] };
  const body = framing === 'chunked' ? 'hello' : bodyOf(head);
  const wanted = { method: head.method, target: head.target, host: head.authority, body };
  const closes = !head.keepAlive || head.websocket;
  // Whoever declines an upgrade may end the connection, and so may who was never asked for 100.
  const mayClose = head.expect100 || /\r\n(?:upgrade|expect):/i.test(head.lines.text);
  const goesOn = servedAs(wanted, closes);
  return { outcomes: mayClose ? [goesOn, servedAs(wanted, true)] : [goesOn] };
}

/** Every hostname that is asked for and has to be served. */
export function hostnamesOf(probes: readonly Probe[]): string[] {
  const hostnames = new Set<string>();
  for (const { octets, outcomes } of probes) {
    if (!outcomes.some((outcome) => outcome.is === 'served')) continue;
    const bytes = Buffer.from(octets, 'latin1');
    if (head.scan(bytes, 0, bytes.length) === 'complete' && head.hostname !== '') hostnames.add(head.hostname);
  }
  return [...hostnames];
}
