/**
 * The verdict on a fuzzed answer: what the client takes for a whole answer has to be what both the scanner and Node's parser
 * read in the replica's octets; everything else has to be an error of the gateway's or a visible cut.
 */
import { ChunkedBody } from '#gateway/http1/chunked';
import { ResponseHead } from '#gateway/http1/response-head';
import { NodeReader } from '../strictness/node-reader.ts';
import type { TripResult } from './trip.ts';

const head = new ResponseHead();
const chunks = new ChunkedBody();

export interface AnswerReading {
  readonly status: number;
  readonly body: string;
}

/** How the scanner reads an answer behind which the connection ends; null: not whole, or at fault. */
export function readAnswer(octets: Buffer, method: string): AnswerReading | null {
  const asked = { isHead: method === 'HEAD', websocket: false };
  let at = 0;
  do {
    if (head.scan(octets, at, octets.length, asked) !== 'complete') return null;
    at = head.end;
  } while (head.informational);
  const { status, framing, contentLength } = head;
  if (framing === 'none') return { status, body: '' };
  if (framing === 'close') return { status, body: octets.toString('latin1', at) };
  if (framing === 'length') {
    const end = at + contentLength;
    return end > octets.length ? null : { status, body: octets.toString('latin1', at, end) };
  }
  let body = '';
  chunks.start('payload');
  do {
    at = chunks.scan(octets, at, octets.length);
    body += octets.toString('latin1', chunks.partStart, chunks.partEnd);
  } while (chunks.event === 'part');
  return chunks.event === 'done' ? { status, body } : null;
}

/** What is wrong, or ''. */
export function answerFault(octets: Buffer, method: string, result: TripResult): string {
  if (result.end === 'hung') return 'it hung';
  const own = readAnswer(octets, method);
  const [answer] = result.answers;
  if (result.answers.length > 1) return `${result.answers.length} answers to one request`;
  const isOwnError = answer?.fields.some((name, i) => i % 2 === 0 && /^x-tidegate-error$/i.test(name)) === true;
  if (own === null) {
    if (answer === undefined || isOwnError) return '';
    // Where the end of the connection ends an answer, a reset is what cuts it.
    return result.end === 'reset' ? '' : 'what is not whole looks whole';
  }
  if (answer === undefined || isOwnError) return `a whole answer was not passed on (${result.end}, ${answer?.status})`;
  if (answer.status !== own.status || answer.body !== own.body) {
    return `passed on as ${answer.status} ${JSON.stringify(answer.body)}, not ${own.status} ${JSON.stringify(own.body)}`;
  }
  return nodeFault(octets, method, own);
}

/** What Node reads in the replica's octets, if it does, is what was passed on. */
function nodeFault(octets: Buffer, method: string, own: AnswerReading): string {
  const reader = new NodeReader('response', { answersHead: () => method === 'HEAD' });
  reader.read(withoutTabs(octets));
  reader.end();
  reader.close();
  const read = reader.messages.find((message) => message.status >= 200);
  if (read === undefined || !read.whole) return '';
  const isSame = read.status === own.status && read.body === own.body;
  return isSame ? '' : `Node reads ${read.status} ${JSON.stringify(read.body)}`;
}

/** White space behind a coding is no part of it (RFC 9110 5.5); Node takes it off only if it is a space. */
function withoutTabs(octets: Buffer): Buffer {
  const text = octets.toString('latin1');
  return Buffer.from(
    text.replace(/^transfer-encoding:[^\r\n]*/gim, (line) => line.replaceAll('\t', ' ')),
    'latin1',
  );
}
