/**
 * Seeded mutations of wire text: the same seed gives the same inputs on every machine. They aim at what parsers differ
 * on, so pieces of the grammar are cut, doubled, moved and mixed, rather than octets alone.
 */

/** Small seeded generator (mulberry32); returns integers in [0, below). */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Pieces that have split parsers before. */
const PIECES = [
  '\r\n',
  '\r',
  '\n',
  '\r\n\r\n',
  '\r\n ',
  ' ',
  '\t',
  '\0',
  '\x0b',
  '\x7f',
  '\x85',
  '\xa0',
  '\xff',
  ':',
  ': ',
  ' :',
  ',',
  ';',
  '"',
  '\\',
  '/',
  '?',
  '#',
  '%',
  '%0d%0a',
  '_',
  '-',
  '0',
  '5',
  'f',
  '+',
  '0x',
  'chunked',
  ' chunked',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'transfer-encoding: identity\r\n',
  'Host: evil.test\r\n',
  'Connection: close\r\n',
  'Connection: content-length\r\n',
  'Connection: upgrade\r\nUpgrade: websocket\r\n',
  'Expect: 100-continue\r\n',
  'GET / HTTP/1.1\r\n',
  'GET /x HTTP/1.1\r\nHost: x\r\n\r\n',
  'http://evil.test',
  'HTTP/1.0',
  'HTTP/1.1 200 OK\r\n',
  '0\r\n\r\n',
  '5\r\nhello\r\n',
  'A: b\r\n',
] as const;

/** One to four mutations of `text`; `others` lend pieces. */
export function mutated(text: string, others: readonly string[], random: (below: number) => number): string {
  let out = text;
  for (let n = 1 + random(4); n > 0; n--) {
    const at = random(out.length + 1);
    const bytes = 1 + random(8);
    switch (random(6)) {
      case 0:
        out = out.slice(0, at) + PIECES[random(PIECES.length)] + out.slice(at);
        break;
      case 1:
        out = out.slice(0, at) + out.slice(at + bytes);
        break;
      case 2:
        out = out.slice(0, at) + out.slice(at, at + bytes) + out.slice(at);
        break;
      case 3:
        out = out.slice(0, at) + String.fromCharCode(random(256)) + out.slice(at + 1);
        break;
      case 4: {
        const other = others[random(others.length)] ?? '';
        const from = random(other.length + 1);
        out = out.slice(0, at) + other.slice(from, from + 40) + out.slice(at);
        break;
      }
      default:
        out = out.slice(0, at) + (PIECES[random(PIECES.length)] ?? '') + out.slice(at + 1);
    }
  }
  return out;
}
