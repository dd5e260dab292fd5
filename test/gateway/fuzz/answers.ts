/** Answers of replicas for the fuzzer: from the grammar, and mutations of those. Seeded like the requests. */
import { mutated } from '../http1/mutate.ts';
import type { Random } from './requests.ts';

const STATUSES = [
  '200 OK',
  '200 OK',
  '200 ',
  '204 No Content',
  '304 Not Modified',
  '404 x',
  '500 x',
  '205 x',
  '299 \xe4',
  '426 x',
];
const INFORMED = ['', '', '', '', '', 'HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n', 'HTTP/1.1 100 Continue\r\n\r\n'];
const LINES = [
  ...[
    'X-A: b',
    'Set-Cookie: a=b',
    'Date: x',
    'Connection: keep-alive',
    'Connection: close',
    'Connection: X-A',
    'Server:x',
  ],
  ...[
    'X-Empty:',
    'X-Old: \xe4',
    'Keep-Alive: timeout=5',
    'Upgrade: h2c',
    'Trailer: X-T',
    'X-B : c',
    'Content_Length: 7',
    'Vary:\t*',
  ],
];
const DATA = ['a', 'abc', '\r\n', '0\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil', '\0\xff'];
const MUTATED = 3;

/** One answer, sound or not, as latin1 text. */
export function answerInput(random: Random, corpus: readonly string[]): string {
  const kind = random(12);
  if (kind === 0) return mutated(corpus[random(corpus.length)] ?? '', corpus, random);
  const sound = soundAnswer(random);
  return kind % MUTATED === 0 ? mutated(sound, corpus, random) : sound;
}

function soundAnswer(random: Random): string {
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  const status = pick(STATUSES);
  const lines: string[] = [];
  for (let n = random(4); n > 0; n--) lines.push(pick(LINES));
  let body = '';
  const framing = status.startsWith('204') ? 9 : random(4);
  if (framing < 2) {
    body = pick(DATA).repeat(random(3));
    if (/^205/.test(status)) body = '';
    lines.splice(random(lines.length + 1), 0, `Content-Length: ${body.length}`);
    if (status.startsWith('304')) body = '';
  } else if (framing === 2) {
    lines.splice(random(lines.length + 1), 0, 'Transfer-Encoding: chunked');
    for (let n = random(4); n > 0; n--) {
      const data = pick(DATA);
      body += `${data.length.toString(16)}${random(6) === 0 ? ';a="b"' : ''}\r\n${data}\r\n`;
    }
    body += `0\r\n${random(5) === 0 ? 'X-T: v\r\n' : ''}\r\n`;
    if (status.startsWith('304')) body = '';
  } else if (framing === 3 && !status.startsWith('304')) body = pick(DATA);
  return `${pick(INFORMED)}HTTP/1.${random(12) === 0 ? 0 : 1} ${status}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n${body}`;
}
