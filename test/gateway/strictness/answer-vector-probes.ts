/**
 * The scanner's response vectors (test/gateway/http1) as answers over the wire: what the scanner refuses has to become a 502
 * of the gateway's own, what it accepts has to reach the client with the body it announces.
 */
import { type ResponseFault, ResponseHead } from '#gateway/http1/response-head';
import { RESPONSE_VECTORS, type ResponseVector } from '../http1/response-vectors.ts';
import type { AnswerOutcome, AnswerProbe } from './answer-probe.ts';

/** Faults that a gateway may overlook without breaking a MUST. */
const OURS: ReadonlySet<ResponseFault> = new Set([
  'status-code',
  'head-too-large',
  'too-many-fields',
  'length-repeated',
  'coding-in-1.0',
  'connection-option',
  'connection-protected',
  'switch-invalid',
  'bare-lf',
  'field-name',
]);
const FINAL = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfinal';

type Passed = AnswerOutcome & { is: 'passed' };

const head = new ResponseHead();

export const ANSWER_VECTOR_PROBES: readonly AnswerProbe[] = RESPONSE_VECTORS.map(probeOf);

function probeOf(vector: ResponseVector): AnswerProbe {
  const { clause, name, fault, asked } = vector;
  const asks = asked.isHead ? 'HEAD' : asked.websocket ? 'websocket' : 'GET';
  const level = fault !== undefined && OURS.has(fault) ? 'ours' : 'must';
  const base = { clause, name, asks, level } as const;
  if (fault !== undefined) {
    const octets = `${vector.head}stray`;
    return { ...base, octets: [octets], after: 'end', outcomes: [{ is: 'bad-gateway' }] };
  }
  const octets = Buffer.from(vector.head, 'latin1');
  head.scan(octets, 0, octets.length, asked);
  const { status, framing, contentLength, informational, switched } = head;
  const passed = (body: string): Passed => ({ is: 'passed', status, body });
  if (informational) {
    // A client that did not ask for 100 is not told.
    const outcome: Passed = { is: 'passed', status: 200, body: 'final', informed: status === 100 ? [] : [status] };
    return { ...base, octets: [vector.head + FINAL], after: 'stay', outcomes: [outcome] };
  }
  if (switched) return { ...base, octets: [`${vector.head}frames`], after: 'end', outcomes: [passed('frames')] };
  switch (framing) {
    case 'length': {
      const body = 'b'.repeat(contentLength);
      return { ...base, octets: [vector.head + body], after: 'stay', outcomes: [passed(body)] };
    }
    case 'chunked':
      return { ...base, octets: [`${vector.head}3\r\nabc\r\n0\r\n\r\n`], after: 'stay', outcomes: [passed('abc')] };
    case 'close':
      return { ...base, octets: [`${vector.head}all of it`], after: 'end', outcomes: [passed('all of it')] };
    default:
      return { ...base, octets: [vector.head], after: 'stay', outcomes: [passed('')] };
  }
}
