/**
 * Ids of what the API hands out: `<prefix>_<ulid>`. A ULID (ulid/spec) is 48 bits of time and 80 of chance in Crockford
 * base 32, so ids sort by age.
 */

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CHANCE_BYTES = 10;

/** A new id. `random` fills 10 bytes; `wallMs` is ms since the epoch. */
export function newId(prefix: string, wallMs: number, random: (size: number) => Uint8Array): string {
  let time = '';
  let rest = Math.floor(wallMs);
  for (let i = 0; i < 10; i++) {
    time = (ALPHABET[rest % 32] ?? '0') + time;
    rest = Math.floor(rest / 32);
  }
  let bits = 0n;
  for (const byte of random(CHANCE_BYTES)) bits = (bits << 8n) | BigInt(byte);
  let chance = '';
  for (let i = 0; i < 16; i++) {
    chance = (ALPHABET[Number(bits & 31n)] ?? '0') + chance;
    bits >>= 5n;
  }
  return `${prefix}_${time}${chance}`;
}
