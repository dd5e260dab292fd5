/**
 * The static table of HPACK (RFC 7541 Appendix A): the fields that both sides know from the start.
 */

/** Names and values in turn; the first pair has index 1. */
const PAIRS =
  ':authority||:method|GET|:method|POST|:path|/|:path|/index.html|:scheme|http|:scheme|https|:status|200|:status|204|' +
  ':status|206|:status|304|:status|400|:status|404|:status|500|accept-charset||accept-encoding|gzip, deflate|' +
  'accept-language||accept-ranges||accept||access-control-allow-origin||age||allow||authorization||cache-control||' +
  'content-disposition||content-encoding||content-language||content-length||content-location||content-range||' +
  'content-type||cookie||date||etag||expect||expires||from||host||if-match||if-modified-since||if-none-match||' +
  'if-range||if-unmodified-since||last-modified||link||location||max-forwards||proxy-authenticate||' +
  'proxy-authorization||range||referer||refresh||retry-after||server||set-cookie||strict-transport-security||' +
  'transfer-encoding||user-agent||vary||via||www-authenticate|';

const parts = PAIRS.split('|');

export const STATIC_ENTRIES = 61;
/** By index; 0 is no entry. */
export const STATIC_NAMES: readonly string[] = ['', ...parts.filter((_, i) => i % 2 === 0)];
export const STATIC_VALUES: readonly string[] = ['', ...parts.filter((_, i) => i % 2 === 1)];

const byName = new Map<string, number>();
for (let index = STATIC_ENTRIES; index > 0; index--) byName.set(STATIC_NAMES[index] as string, index);

/** The first index of a name, or 0. */
export function staticIndexOf(name: string): number {
  return byName.get(name) ?? 0;
}

const STATUS_AT = 8;
const STATUSES = 7;

/** The index of a whole `:status` field, or 0. */
export function staticStatus(status: number): number {
  if (status === 200) return STATUS_AT;
  const text = String(status);
  for (let index = STATUS_AT; index < STATUS_AT + STATUSES; index++) if (STATIC_VALUES[index] === text) return index;
  return 0;
}
