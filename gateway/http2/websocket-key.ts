/**
 * The handshake of RFC 6455 that the gateway makes with an upstream for a WebSocket over HTTP/2, whose client has none
 * (RFC 8441 5.1).
 */
import { createHash } from 'node:crypto';

const KEY_BYTES = 16;
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** A key for Sec-WebSocket-Key. `random`: 0 ≤ n < 1. */
export function websocketKey(random: () => number): string {
  return Buffer.from(Array.from({ length: KEY_BYTES }, () => Math.floor(random() * 256))).toString('base64');
}

/** What the upstream has to answer in Sec-WebSocket-Accept (RFC 6455 4.2.2). */
export function websocketAccept(key: string): string {
  return createHash('sha1')
    .update(key + ACCEPT_SUFFIX, 'latin1')
    .digest('base64');
}

/** Whether a field list asks for a WebSocket by extended CONNECT. */
export function asksWebsocket(fields: readonly string[]): boolean {
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] as string;
    if (!name.startsWith(':')) return false;
    if (name === ':protocol') return fields[i + 1] === 'websocket';
  }
  return false;
}

/** The fields with our key instead of any the client sent. */
export function withWebsocketKey(fields: readonly string[], key: string): string[] {
  const own: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] as string;
    if (name !== 'sec-websocket-key') own.push(name, fields[i + 1] as string);
  }
  own.push('sec-websocket-key', key);
  return own;
}
