/**
 * Which answers are compressed, and how (RFC 9110 8.4, 12.5.3): the client must take the coding, and the answer must be
 * whole, text, large enough, and nobody else's to encode.
 */
import type { Coding } from '#core/edge-policy';
import { FRAMING } from '../http1/framing.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import { addField, dropFields } from './head-edits.ts';

/** Below that the coding costs more than it saves. */
const SMALLEST_BYTES = 1024;
/** Types that are text, or as good as that. */
const COMPRESSIBLE =
  /^(?:text\/|application\/(?:(?:[\w.-]+\+)?(?:json|xml|yaml)|javascript|ecmascript|x-javascript|graphql|ld\+json|manifest|wasm|x-ndjson|x-www-form-urlencoded|vnd\.ms-fontobject|rtf|sql|x-sh)|font\/(?:ttf|otf|collection)|image\/(?:svg\+xml|bmp|x-icon|vnd\.microsoft\.icon)|model\/(?:gltf|obj))/;
/** Streams of events are read as they come; what is in the encoder would be late. */
const EVENT_STREAM = /^text\/event-stream/;
/** Partial, bodiless, or about the state of a cache. */
const NEVER: ReadonlySet<number> = new Set([204, 205, 206, 304]);
/** What is true of the octets before the coding alone. */
const OF_THE_OCTETS: ReadonlySet<string> = new Set([
  'accept-ranges',
  'content-digest',
  'content-encoding',
  'content-length',
  'content-md5',
  'digest',
  'etag',
  'repr-digest',
]);

/** By `encodeHead`. */
const FIELDS_ADDED = 3;

/** The coding the client likes best, among equals the first of ours; null: it takes none of them. */
export function codingFor(accept: string | undefined, preference: readonly Coding[]): Coding | null {
  if (accept === undefined) return null;
  const weights = new Map<string, number>();
  for (const element of accept.toLowerCase().split(',')) {
    const [name = '', ...parameters] = element.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => /^q\s*=/.test(parameter));
    const quality = weight === undefined ? 1 : Number(weight.slice(weight.indexOf('=') + 1));
    if (name !== '') weights.set(name === 'x-gzip' ? 'gzip' : name, quality >= 0 && quality <= 1 ? quality : 0);
  }
  let best: Coding | null = null;
  let bestQuality = 0;
  for (const coding of preference) {
    const quality = weights.get(coding) ?? weights.get('*') ?? 0;
    if (quality <= bestQuality) continue;
    best = coding;
    bestQuality = quality;
  }
  // Who would rather have it plain gets it plain.
  return bestQuality >= (weights.get('identity') ?? 0) ? best : null;
}

/** Whether the answer is of a kind that is compressed for those who take it: then it varies by what they take. */
export function isCompressible(head: ResponseHead): boolean {
  if (head.status < 200 || head.status === 204 || head.status === 205 || head.status === 206) return false;
  const type = head.field('content-type')?.toLowerCase();
  // 304 tells nothing of the type, and must tell what 200 would vary by.
  if (type === undefined) return head.status === 304;
  if (!COMPRESSIBLE.test(type) || EVENT_STREAM.test(type)) return false;
  const coded = head.field('content-encoding')?.toLowerCase();
  return coded === undefined || coded === 'identity';
}

/** Whether this very answer is to be compressed. */
export function isWorthCoding(head: ResponseHead): boolean {
  if (NEVER.has(head.status) || head.framing === FRAMING.none || !isCompressible(head)) return false;
  if (head.contentLength >= 0 && head.contentLength < SMALLEST_BYTES) return false;
  if (head.field('content-range') !== undefined) return false;
  return !/(?:^|[\s,])no-transform(?:$|[\s,])/i.test(head.field('cache-control') ?? '');
}

/** Says in the head that the body leaves in this coding, and in chunks. Returns false when there is no room to say so. */
export function encodeHead(head: ResponseHead, coding: Coding): boolean {
  const { lines } = head;
  const etag = head.field('etag');
  if (lines.count + FIELDS_ADDED >= lines.nameAt.length) return false;
  dropFields(lines, OF_THE_OCTETS);
  addField(lines, 'Content-Encoding', coding);
  // The same thing, but not the same octets (RFC 9110 8.8.1).
  if (etag !== undefined) addField(lines, 'ETag', etag.startsWith('W/') ? etag : `W/${etag}`);
  if (head.framing === FRAMING.length) {
    head.framing = FRAMING.chunked;
    head.restateFraming = true;
  }
  head.contentLength = -1;
  varyByCoding(head);
  return true;
}

/** Says that the answer depends on Accept-Encoding, if it does not say so yet. */
export function varyByCoding(head: ResponseHead): void {
  const vary = head.field('vary')?.toLowerCase();
  if (vary?.split(',').some((name) => /^\s*(?:\*|accept-encoding)\s*$/.test(name))) return;
  addField(head.lines, 'Vary', 'Accept-Encoding');
}
