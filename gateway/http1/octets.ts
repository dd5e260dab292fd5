/**
 * Byte classes of RFC 9110 and RFC 9112, as tables: one look-up says whether an octet may stand where it stands. Every
 * scanner of this folder reads octets through these tables, so a character is legal everywhere or nowhere.
 */

export const TAB = 9;
export const LF = 10;
export const CR = 13;
export const SP = 32;
export const PERCENT = 37;
export const ASTERISK = 42;
export const DOT = 46;
export const SLASH = 47;
export const ZERO = 48;
export const COLON = 58;
export const SEMICOLON = 59;
export const QUESTION = 63;
export const UNDERSCORE = 95;

const ALPHA = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const DIGITS = '0123456789';

/** A table of 256 zeros with 1 at every character of `members`. */
export function octetTable(members: string): Uint8Array {
  const table = new Uint8Array(256);
  for (let i = 0; i < members.length; i++) table[members.charCodeAt(i)] = 1;
  return table;
}

/** `tchar`, RFC 9110 5.6.2: what methods, field names and connection options are made of. */
export const TOKEN = octetTable(`!#$%&'*+-.^_\`|~${DIGITS}${ALPHA}`);

/** Octets of a field value, RFC 9110 5.5: tab, space, visible characters and obs-text. No other control, no DEL. */
export const FIELD_VALUE = new Uint8Array(256).map((_, octet) =>
  octet === TAB || (octet >= SP && octet !== 127) ? 1 : 0,
);

/** Hexadecimal value plus one; 0 where the octet is no hexadecimal digit. */
export const HEX = new Uint8Array(256).map((_, octet) => {
  if (octet >= ZERO && octet <= 57) return octet - ZERO + 1;
  const letter = octet | 0x20;
  return letter >= 97 && letter <= 102 ? letter - 97 + 11 : 0;
});

/**
 * Lower case, and `_` as `-`: two field names that fold alike are one variable to a CGI-like upstream
 * (`content_length` and `content-length` both become CONTENT_LENGTH), so they must be judged together.
 */
export const FOLD = new Uint8Array(256).map((_, octet) => {
  if (octet >= 65 && octet <= 90) return octet | 0x20;
  return octet === UNDERSCORE ? 45 : octet;
});

/** Octets of a registered name as DNS and container networks use it (RFC 3986 3.2.2 without escapes and sub-delims). */
export const REG_NAME = octetTable(`-._${DIGITS}${ALPHA}`);

/** Octets between the brackets of an IPv6 literal. */
export const IPV6 = octetTable(`:.${DIGITS}abcdefABCDEF`);

/**
 * Octets of a path, RFC 3986 `pchar` and `/`, plus what browsers send unescaped by the URL standard: `| [ ] ^`.
 * Refused although some clients send them: 8-bit octets, space, `" < > # \ { } ` and the backtick. No browser puts them
 * into a path, and parsers disagree on each (`\` as `/`, `#` as the end, 8-bit as any charset).
 */
export const PATH = octetTable(`-._~!$&'()*+,;=:@/%|[]^${DIGITS}${ALPHA}`);

/**
 * Octets of a query. Browsers leave `{ } | \ ^ [ ]` and the backtick alone here, and nobody routes by a query, so they
 * pass; `" < > #` and 8-bit octets never come from a browser and are refused. A lone `%` passes: nothing decodes it here.
 */
export const QUERY = octetTable(`-._~!$&'()*+,;=:@/?%|[]^{}\\\`${DIGITS}${ALPHA}`);

/** `text` without spaces and tabs at its ends. Not `trim`, which takes away octets that are no white space in HTTP. */
export function trimSpace(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isSpace(text.charCodeAt(from))) from++;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

/** Whether `text` is one token (RFC 9110 5.6.2). For names that come from configuration. */
export function isToken(text: string): boolean {
  return text.length > 0 && isMadeOf(text, TOKEN);
}

/** Whether `text` may stand as a field value as it is: legal octets, no space at either end. For configured values. */
export function isFieldValue(text: string): boolean {
  return isMadeOf(text, FIELD_VALUE) && text === trimSpace(text);
}

function isSpace(code: number): boolean {
  return code === SP || code === TAB;
}

function isMadeOf(text: string, table: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) {
    if (table[text.charCodeAt(i)] !== 1) return false;
  }
  return true;
}
