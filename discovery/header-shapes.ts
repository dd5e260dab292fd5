/**
 * Shapes of what header rules are made of. Fields that frame a message, that belong to one connection or that the gateway
 * writes itself are nobody's to set: a rule about them would make one message into two, or a lie.
 */
import { listOf, type Shape } from './shape.ts';

/** RFC 9110 5.6.2. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]{1,64}$/;
/** RFC 9110 5.5 without obs-text, which every reader takes for another charset. */
const FIELD_VALUE = /^[\x20-\x7e]{1,4096}$/;
/** Of one connection, or framing (RFC 9110 7.6.1, RFC 9112 6). */
const FRAMING =
  /^(?:connection|content-length|expect|http2-settings|keep-alive|proxy.*|te|trailer|transfer-encoding|upgrade)$/;
/** Written or read by the gateway. */
const REQUEST_OWN =
  /^(?:client-cert(?:-chain)?|host|forwarded|max-forwards|x-forwarded(?:-.*)?|x-real-ip|x-request-id|sec-websocket-.*)$/;
const RESPONSE_OWN = /^(?:content-encoding|content-range|date|sec-websocket-.*|x-request-id|x-tidegate-.*)$/;

export const HEADER_SIDES = ['request', 'response'] as const;
export type HeaderSide = (typeof HEADER_SIDES)[number];

/** Whether a rule may be about this field. A name spelled with `_` is its twin with `-` to many a reader. */
export function isSettable(name: string, side: HeaderSide): boolean {
  const lower = name.toLowerCase().replaceAll('_', '-');
  return TOKEN.test(name) && !FRAMING.test(lower) && !(side === 'request' ? REQUEST_OWN : RESPONSE_OWN).test(lower);
}

/** What is expected of the name in a label such as `tidegate.headers.request.set.<header>`. */
export const SETTABLE =
  'the name of a field that is neither framing, nor of the connection, nor written by the gateway';

export const fieldValue: Shape<string> = {
  expected: 'a field value of up to 4096 visible characters, without line breaks',
  read: (text) => (FIELD_VALUE.test(text) ? { value: text } : null),
  bend: (text) => text.replace(/\s+/g, ' ').replace(/[^\x20-\x7e]/g, ''),
};

/** Names of fields a rule may remove, in lower case. */
export function removableFields(side: HeaderSide): Shape<readonly string[]> {
  const one: Shape<string> = {
    expected: SETTABLE,
    read: (text) => (isSettable(text, side) ? { value: text.toLowerCase() } : null),
    bend: (text) => text.replace(/:$/, ''),
  };
  return listOf(one, 'names of fields, comma-separated, none of framing, of the connection or of the gateway');
}

/** Any names of fields, as CORS lists them. */
export const fieldNames = listOf(
  {
    expected: 'the name of a field',
    read: (text) => (TOKEN.test(text) && text !== '*' ? { value: text } : null),
    bend: (text) => text.replace(/:$/, ''),
  },
  'names of fields, comma-separated',
);
