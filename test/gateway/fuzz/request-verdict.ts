/**
 * The verdict on one trip: three readings of the same octets have to agree. The scanner's, Node's of what the client sent,
 * and Node's of what reached the replica; and every answer has to be that of its request.
 */
import { sightOf } from '../strictness/byte-log.ts';
import { NodeReader, type ReadMessage } from '../strictness/node-reader.ts';
import type { Meaning, Reading } from './reading.ts';
import { fieldOf } from './replica.ts';
import type { TripResult } from './trip.ts';

export interface TripFacts {
  readonly octets: Buffer;
  readonly reading: Reading;
  readonly result: TripResult;
  /** What the replica saw of it. */
  readonly seen: readonly ReadMessage[];
  /** The lane is Node's own parser with the strict reading behind it, which may refuse more and read on elsewhere. */
  readonly isSlow: boolean;
}

const LOOSE: readonly string[] = [
  'te',
  'keep-alive',
  'proxy-connection',
  'http2-settings',
  'x-real-ip',
  'forwarded',
  'proxy',
];

/** What is wrong, or ''. */
export function tripFault(facts: TripFacts): string {
  const { result, seen } = facts;
  if (result.end === 'hung') return 'it hung';
  if (result.error !== '') return `the client cannot read its answers: ${result.error}`;
  for (const request of seen) {
    const fault = hygieneFault(request);
    if (fault !== '') return fault;
  }
  return facts.isSlow ? slowFault(facts) : fastFault(facts);
}

function fastFault({ octets, reading, result, seen }: TripFacts): string {
  const forwarded = reading.requests.filter((request) => request.isForwarded);
  if (seen.length > forwarded.length) return `the replica saw ${seen.length} requests instead of ${forwarded.length}`;
  for (const [i, request] of seen.entries()) {
    const fault = meaningFault(forwarded[i], request);
    if (fault !== '') return fault;
  }
  return nodeFault(octets, reading.requests) || answersFault(reading, result);
}

/** Every whole request has its answer, up to one that may end the connection. */
function answersFault({ requests, end }: Reading, { answers, end: ending }: TripResult): string {
  for (const [i, request] of requests.entries()) {
    const answer = answers[i];
    if (answer === undefined) {
      const before = requests[i - 1];
      return before !== undefined && before.closes !== 'no' ? '' : `no answer to request ${i} (${ending})`;
    }
    const fault = answerFault(request, answer);
    if (fault !== '') return fault;
  }
  const surplus = answers.length - requests.length;
  if (surplus > (end === 'whole' ? 0 : 1)) return `${answers.length} answers to ${requests.length} requests`;
  const last = requests.at(-1);
  const mayBeSilent = last !== undefined && last.closes !== 'no';
  if (end === 'refused' && surplus !== 1 && !mayBeSilent) return 'nothing was said to a request at fault';
  if (end === 'refused' && surplus === 1 && (answers.at(-1)?.status ?? 0) < 400) return 'a request at fault was served';
  return '';
}

function answerFault(request: Meaning, answer: ReadMessage): string {
  if (!request.isForwarded)
    return answer.status === 200 && request.method !== 'OPTIONS' ? 'served what has no route' : '';
  const body = request.method === 'HEAD' ? '' : sightOf(request);
  if (answer.status === 200 && answer.body === body) return '';
  return `answered ${answer.status} ${JSON.stringify(answer.body)} to ${request.method} ${request.target}`;
}

/** What Node reads in the client's octets, as far as it does, is what the scanner reads. */
function nodeFault(octets: Buffer, requests: readonly Meaning[]): string {
  const read = nodeReading(octets);
  for (const [i, request] of requests.entries()) {
    const other = read[i];
    if (other === undefined || !other.whole) return '';
    if (other.method !== request.method) return `Node reads ${other.method}, not ${request.method}`;
    if (other.body !== request.body) return `Node reads body ${JSON.stringify(other.body)}`;
    if (!isSameTarget(other.target, request.target)) return `Node reads ${other.target}, not ${request.target}`;
    // Node takes words of a Connection it does not know for nothing, and stops behind a close it has read.
    if (request.closes === 'must') return '';
  }
  return '';
}

function slowFault({ octets, reading, result, seen }: TripFacts): string {
  const read = nodeReading(octets).filter((message) => message.whole);
  let at = 0;
  for (const request of seen) {
    while (at < read.length && !isSame(read[at], request)) at++;
    if (at++ >= read.length) return `forwarded ${request.method} ${request.target}, which Node does not read there`;
  }
  for (const [i, request] of seen.entries()) {
    const own = reading.requests.filter((one) => one.isForwarded)[i];
    if (own === undefined) continue;
    const fault = meaningFault(own, request);
    if (fault !== '') return fault;
  }
  if (result.answers.length > read.length + 1) return `${result.answers.length} answers to ${read.length} requests`;
  const good = result.answers.filter((answer) => answer.status === 200 && answer.body.startsWith('saw '));
  return good.length > seen.length ? 'an answer of nobody' : '';
}

/** How Node's parser reads what a client sent. */
export function nodeReading(octets: Buffer): readonly ReadMessage[] {
  const reader = new NodeReader('request', { declines: true });
  reader.read(octets);
  reader.close();
  return reader.messages;
}

function isSame(read: ReadMessage | undefined, request: ReadMessage): boolean {
  return (
    read !== undefined &&
    read.method === request.method &&
    read.body === request.body &&
    isSameTarget(read.target, request.target)
  );
}

/** `whole` as it was sent, `origin` as it goes on. */
function isSameTarget(whole: string, origin: string): boolean {
  if (whole === origin) return true;
  const rest = whole.replace(/^https?:\/\/[^/?]*/i, '');
  return rest === origin || `/${rest}` === origin || (rest === '' && origin === '*');
}

function meaningFault(wanted: Meaning | undefined, request: ReadMessage): string {
  if (wanted === undefined) return `forwarded ${request.method} ${request.target}, which nobody sent`;
  if (request.method !== wanted.method || request.target !== wanted.target) {
    return `forwarded as ${request.method} ${request.target}, not ${wanted.method} ${wanted.target}`;
  }
  if (request.body !== wanted.body) return `forwarded with body ${JSON.stringify(request.body)}`;
  if (fieldOf(request, 'host') !== wanted.host) return `forwarded with host ${fieldOf(request, 'host')}`;
  const trailers = JSON.stringify(request.trailers);
  return trailers === JSON.stringify(wanted.trailers) ? '' : `forwarded with trailers ${trailers}`;
}

function hygieneFault(request: ReadMessage): string {
  let framing = 0;
  for (let i = 0; i < request.fields.length; i += 2) {
    const name = request.fields[i]?.toLowerCase() ?? '';
    if (name === 'content-length' || name === 'transfer-encoding') framing++;
    if (LOOSE.includes(name)) return `${name} went on`;
    if (!request.upgrade && (name === 'connection' || name === 'upgrade')) return `${name} went on`;
  }
  return framing > 1 ? 'framed twice' : '';
}
