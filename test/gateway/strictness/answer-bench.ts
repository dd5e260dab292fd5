/**
 * Runs probes of answers: the replica answers the probe's request with the probe's octets, everything else plainly. The
 * verdict is on what the client can make of it, and on the next request over the same connections.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AnswerOutcome, AnswerProbe } from './answer-probe.ts';
import { STRAY } from './answer-probe.ts';
import { ask, type BenchPlace, lookBehind, type Received } from './bench.ts';
import { answerPlainly, type LoggedConnection, sightOf } from './byte-log.ts';

/** Between two parts of an answer: long enough for a machine under load to read them one by one. */
const PART_MS = 3;

const REQUESTS: Readonly<Record<AnswerProbe['asks'], string>> = {
  GET: 'GET /probe HTTP/1.1\r\nHost: app.test\r\n\r\n',
  HEAD: 'HEAD /probe HTTP/1.1\r\nHost: app.test\r\n\r\n',
  POST: 'POST /probe HTTP/1.1\r\nHost: app.test\r\nContent-Length: 3\r\n\r\nabc',
  websocket: 'GET /probe HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'HTTP/1.0': 'GET /probe HTTP/1.0\r\nHost: app.test\r\n\r\n',
  'HTTP/1.0 keep-alive': 'GET /probe HTTP/1.0\r\nHost: app.test\r\nConnection: keep-alive\r\n\r\n',
};
const LAST = '\r\nConnection: close\r\n\r\n';
/** The same connection again: its answer has to be its own. */
const NEXT = 'GET /next HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n';
const NEXT_BODY = sightOf({ method: 'GET', target: '/next', body: '' });

/** Runs one probe and tells why it failed, or ''. */
export async function tryAnswer(place: BenchPlace, probe: AnswerProbe, lenient = false): Promise<string> {
  const { port, replica } = place;
  replica.take();
  let said: Promise<void> | null = null;
  replica.answer = (request, connection) => {
    if (request.target === '/probe') said = say(connection, probe);
    else answerPlainly(request, connection);
  };
  const isHead = probe.asks === 'HEAD';
  // What comes later than an answer could not be told from one to a request sent ahead: that one has to wait for it.
  const isLate = probe.octets.length > 1;
  const goesOn = probe.asks !== 'websocket' && probe.asks !== 'HTTP/1.0' && !isLate;
  const request = isLate ? REQUESTS[probe.asks].replace('\r\n\r\n', LAST) : REQUESTS[probe.asks];
  const octets = request + (goesOn ? NEXT : '');
  const received = await ask(port, octets, { isHead });
  await said;
  const { seen, after } = await lookBehind(place);
  const faults = probe.outcomes.map((outcome) => [...outcomeFaults(outcome, received, lenient)]);
  const all = [
    ...generalFaults(received),
    ...(after === '' ? [] : [after]),
    ...(seen.requests.filter((request) => request.target === '/probe').length > 1 ? ['it was asked twice'] : []),
    ...faults.reduce((a, b) => (b.length < a.length ? b : a), faults[0] ?? []),
  ];
  if (all.length === 0) return '';
  return `${probe.clause}: ${probe.name}: ${all.join('; ')} (client got ${JSON.stringify(received.octets.slice(0, 300))}, ${received.end})`;
}

async function say({ socket }: LoggedConnection, probe: AnswerProbe): Promise<void> {
  for (const [i, octets] of probe.octets.entries()) {
    if (i > 0) await sleep(PART_MS);
    if (socket.destroyed) return;
    await new Promise<void>((resolve) => socket.write(octets, 'latin1', () => resolve()));
  }
  if (probe.after === 'end') socket.end();
  else if (probe.after === 'reset') {
    // What was written is to arrive first.
    await sleep(PART_MS);
    socket.resetAndDestroy();
  }
}

function* generalFaults({ octets, end }: Received): Generator<string> {
  if (end === 'stalled') yield 'the client was left waiting';
  if (octets.includes(STRAY)) yield 'octets of no answer reached the client';
}

function* outcomeFaults(outcome: AnswerOutcome, received: Received, lenient: boolean): Generator<string> {
  const finals = received.answers.filter((answer) => answer.status >= 200 || answer.status === 101);
  const [first, second] = finals;
  if (finals.length > 2) yield `${finals.length} answers`;
  if (second !== undefined && second.body !== NEXT_BODY) yield `the next answer is ${JSON.stringify(second.body)}`;
  switch (outcome.is) {
    case 'bad-gateway':
      if (first === undefined) yield 'no answer';
      else if (first.status !== 502 || !first.whole) yield `status ${first.status}, ${first.whole ? 'whole' : 'cut'}`;
      else if (!lenient && !hasLine(first.fields, 'x-tidegate-error: upstream_protocol')) yield 'another error';
      return;
    case 'cut':
      // Where the end of the connection would end the answer, only a reset tells.
      if (first?.whole === true && received.end !== 'reset') yield 'it looks complete';
      if (first !== undefined && second !== undefined) yield 'the connection went on';
      return;
    case 'passed':
      yield* passedFaults(outcome, received, lenient);
  }
}

function* passedFaults(
  outcome: AnswerOutcome & { is: 'passed' },
  received: Received,
  lenient: boolean,
): Generator<string> {
  const [first] = received.answers.filter((answer) => answer.status >= 200 || answer.status === 101);
  if (received.error !== '') yield `the client could not read it: ${received.error}`;
  if (first === undefined) {
    yield 'no answer';
    return;
  }
  const { status, body, whole, fields, trailers } = first;
  const isWhole = whole || status === 101;
  if (!isWhole || received.end === 'reset') yield 'it was cut';
  if (status !== outcome.status) yield `status ${status}`;
  const got = status === 101 ? received.octets.slice(received.octets.indexOf('\r\n\r\n') + 4) : body;
  if (got !== outcome.body) yield `body ${JSON.stringify(got)}`;
  for (const line of outcome.with ?? []) if (!hasLine(fields, line)) yield `no ${line}`;
  for (const name of outcome.without ?? []) {
    if (fields.some((field, i) => i % 2 === 0 && field.toLowerCase() === name)) yield `${name} was passed on`;
  }
  if (outcome.trailers !== undefined && JSON.stringify(trailers) !== JSON.stringify(outcome.trailers)) {
    yield `trailers ${JSON.stringify(trailers)}`;
  }
  if (outcome.informed === undefined || lenient) return;
  const informed = received.answers.filter((answer) => answer.status < 200 && answer.status !== 101);
  const statuses = JSON.stringify(informed.map((answer) => answer.status));
  if (statuses !== JSON.stringify(outcome.informed)) yield `informed of ${statuses}`;
}

function hasLine(fields: readonly string[], line: string): boolean {
  return fields.some((field, i) => i % 2 === 0 && `${field.toLowerCase()}: ${fields[i + 1]}` === line);
}
