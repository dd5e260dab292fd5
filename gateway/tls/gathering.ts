/**
 * Puts text and octets together for one write. An encrypted handle takes what it is given within the call, so one buffer
 * serves all of them.
 */

/** Up to this size octets are put together with their head in the shared buffer. */
export const COPY_MAX_BYTES = 131_072;

let buffer: Buffer | null = null;

/** Holds until the next call. */
export function shared(): Buffer {
  buffer ??= Buffer.allocUnsafeSlow(COPY_MAX_BYTES);
  return buffer;
}

export function gathered(into: Buffer, before: string, octets: Buffer | null, after: string): Buffer {
  let end = into.write(before, 0, 'latin1');
  if (octets !== null) end += octets.copy(into, end);
  if (after !== '') end += into.write(after, end, 'latin1');
  return into.subarray(0, end);
}
