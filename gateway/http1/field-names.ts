/**
 * The field names this layer acts on, recognised in place from their octets. A name that only resembles one of them by
 * `_` for `-` is reported as its twin, never as unknown.
 */
import { FOLD, UNDERSCORE } from './octets.ts';

/** Ids of the recognised names; 0 is every other name. */
export const NAME = {
  other: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  keepAlive: 5,
  te: 6,
  trailer: 7,
  upgrade: 8,
  expect: 9,
  maxForwards: 10,
  date: 11,
  /** `Proxy` (which CGI turns into HTTP_PROXY) and all of `Proxy-*` but Proxy-Status. */
  proxy: 12,
  proxyStatus: 13,
  http2Settings: 14,
  forwardedFor: 15,
  forwardedHost: 16,
  forwardedProto: 17,
  requestId: 18,
  /** Other claims about the client: `Forwarded`, `X-Real-IP`, all other `X-Forwarded-*`. */
  hearsay: 19,
  /** What a client has proved of itself (RFC 9440): `Client-Cert`, `Client-Cert-Chain`. The gateway's word alone. */
  clientCert: 20,
  /** What a replica says to Tidegate alone: how long it is at work yet. */
  lease: 21,
} as const;

/** Set on an id when the name was spelled with `_` where the real one has `-`. */
export const TWIN = 0x80;

const SPELLINGS: readonly (readonly [string, number])[] = [
  ['host', NAME.host],
  ['content-length', NAME.contentLength],
  ['transfer-encoding', NAME.transferEncoding],
  ['connection', NAME.connection],
  ['keep-alive', NAME.keepAlive],
  ['te', NAME.te],
  ['trailer', NAME.trailer],
  ['upgrade', NAME.upgrade],
  ['expect', NAME.expect],
  ['max-forwards', NAME.maxForwards],
  ['date', NAME.date],
  ['proxy', NAME.proxy],
  ['proxy-connection', NAME.proxy],
  ['proxy-status', NAME.proxyStatus],
  ['http2-settings', NAME.http2Settings],
  ['x-forwarded-for', NAME.forwardedFor],
  ['x-forwarded-host', NAME.forwardedHost],
  ['x-forwarded-proto', NAME.forwardedProto],
  ['x-request-id', NAME.requestId],
  ['forwarded', NAME.hearsay],
  ['x-forwarded', NAME.hearsay],
  ['x-real-ip', NAME.hearsay],
  ['client-cert', NAME.clientCert],
  ['client-cert-chain', NAME.clientCert],
  ['tidegate-lease', NAME.lease],
];

const LONGEST = 32;
const octets = SPELLINGS.map(([spelling]) => Buffer.from(spelling, 'latin1'));
const ids = Uint8Array.from(SPELLINGS.map(([, id]) => id));
const X_FORWARDED = Buffer.from('x-forwarded-', 'latin1');
const PROXY = Buffer.from('proxy-', 'latin1');

/** Length and first letter choose at most one spelling: index into SPELLINGS plus one, by `length * 32 + letter`. */
const candidates = new Uint8Array(LONGEST * 32);
for (const [index, [spelling]] of SPELLINGS.entries()) {
  candidates[slot(spelling.length, spelling.charCodeAt(0))] = index + 1;
}

function slot(length: number, first: number): number {
  return (length << 5) | (first & 31);
}

/** The id of the name in `b[from, to)`, with TWIN set if it is spelled with an underscore; `NAME.other` if unknown. */
export function recognise(b: Uint8Array, from: number, to: number): number {
  const length = to - from;
  const first = FOLD[b[from] as number] as number;
  if (length < LONGEST) {
    const candidate = candidates[slot(length, first)] as number;
    if (candidate !== 0) {
      const found = compare(b, from, octets[candidate - 1] as Uint8Array);
      if (found >= 0) return (ids[candidate - 1] as number) | found;
    }
  }
  if (first === 0x78 && length > X_FORWARDED.length) {
    const found = compare(b, from, X_FORWARDED);
    return found < 0 ? NAME.other : NAME.hearsay | found;
  }
  if (first === 0x70 && length > PROXY.length) {
    const found = compare(b, from, PROXY);
    return found < 0 ? NAME.other : NAME.proxy | found;
  }
  return NAME.other;
}

/** -1 if `b` at `from` does not fold to `spelling`; 0 if it does; TWIN if it does only thanks to an underscore. */
function compare(b: Uint8Array, from: number, spelling: Uint8Array): number {
  let twin = 0;
  for (let i = 0; i < spelling.length; i++) {
    const octet = b[from + i] as number;
    if (FOLD[octet] !== spelling[i]) return -1;
    if (octet === UNDERSCORE) twin = TWIN;
  }
  return twin;
}
