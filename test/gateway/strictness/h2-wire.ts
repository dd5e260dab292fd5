/**
 * An HTTP/2 client that says whatever it is told: frames by hand, fields as plain HPACK literals, nothing checked. It reads
 * only as much as it takes to know that a stream is over.
 */
import { connect } from 'node:net';

/** name, value, … exactly as they go out. */
export type Fields = readonly (readonly [name: string, value: string])[];

export interface H2Request {
  readonly fields: Fields;
  /** DATA frames; none: the head ends the stream. */
  readonly data?: readonly string[];
  readonly trailers?: Fields;
}

/** How a stream ended. */
export type H2End = 'answered' | 'reset' | 'closed' | 'stalled';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const TYPE = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7 } as const;
const END_STREAM = 1;
const END_HEADERS = 4;
const HEAD_BYTES = 9;
const PATIENCE_MS = 4000;

/** Sends requests on streams 1, 3, … of one connection and tells how each ended. */
export function askH2(port: number, requests: readonly H2Request[]): Promise<H2End[]> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const ends = new Map<number, H2End>();
    let held: Buffer = Buffer.alloc(0);
    const finish = (otherwise: H2End): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(requests.map((_, i) => ends.get(1 + 2 * i) ?? otherwise));
    };
    const timer = setTimeout(() => finish('stalled'), PATIENCE_MS);
    socket.on('error', () => {});
    socket.on('close', () => finish('closed'));
    socket.on('data', (octets) => {
      held = Buffer.concat([held, octets]);
      while (held.length >= HEAD_BYTES) {
        const bytes = held.readUIntBE(0, 3);
        if (held.length < HEAD_BYTES + bytes) return;
        const [type = 0, flags = 0, stream] = [held[3], held[4], held.readUInt32BE(5)];
        held = held.subarray(HEAD_BYTES + bytes);
        if (type === TYPE.reset) ends.set(stream, ends.get(stream) ?? 'reset');
        else if (type <= TYPE.headers && (flags & END_STREAM) !== 0) ends.set(stream, ends.get(stream) ?? 'answered');
        else if (type === TYPE.settings && (flags & 1) === 0) socket.write(frame(TYPE.settings, 1, 0, ''));
      }
      if (ends.size === requests.length) finish('closed');
    });
    socket.write(PREFACE + frame(TYPE.settings, 0, 0, ''), 'latin1');
    for (const [i, request] of requests.entries()) socket.write(framesOf(1 + 2 * i, request), 'latin1');
  });
}

function framesOf(stream: number, { fields, data = [], trailers }: H2Request): string {
  const isBare = data.length === 0 && trailers === undefined;
  let out = frame(TYPE.headers, END_HEADERS | (isBare ? END_STREAM : 0), stream, literals(fields));
  for (const [i, part] of data.entries()) {
    out += frame(TYPE.data, i === data.length - 1 && trailers === undefined ? END_STREAM : 0, stream, part);
  }
  if (trailers !== undefined) out += frame(TYPE.headers, END_HEADERS | END_STREAM, stream, literals(trailers));
  return out;
}

function frame(type: number, flags: number, stream: number, payload: string): string {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return head.toString('latin1') + payload;
}

/** Literal fields without indexing, without Huffman (RFC 7541 6.2.2). */
function literals(fields: Fields): string {
  return fields.map(([name, value]) => `\0${lengthOf(name)}${name}${lengthOf(value)}${value}`).join('');
}

/** An integer with a prefix of seven bits (RFC 7541 5.1). */
function lengthOf(text: string): string {
  if (text.length < 127) return String.fromCharCode(text.length);
  let out = String.fromCharCode(127);
  let rest = text.length - 127;
  for (; rest >= 128; rest >>= 7) out += String.fromCharCode((rest & 127) | 128);
  return out + String.fromCharCode(rest);
}
