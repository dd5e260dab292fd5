/**
 * Subnets for the networks of apps once the Engine's own pools are used up (they hold some thirty networks): a /26 of
 * 10.213.0.0/16 each, so 1024 of them with room for 60 replicas, none that touches what is there already.
 */
import { isIPv4 } from 'node:net';

const POOL_BASE = 0x0ad5_0000; // 10.213.0.0
const POOL_BITS = 16;
const SUBNET_BITS = 26;
const SUBNET_SIZE = 2 ** (32 - SUBNET_BITS);
const SUBNET_COUNT = 2 ** (SUBNET_BITS - POOL_BITS);

/**
 * Subnets that overlap none of those taken, each once, from a place of the pool that the seed chooses: two who look at
 * the same time seldom meet.
 * @param taken `a.b.c.d/n`; anything else is passed over
 */
export function* freeSubnets(taken: readonly string[], seed: string): Generator<string> {
  const ranges = taken.flatMap((cidr) => rangeOf(cidr) ?? []);
  const first = hash(seed) % SUBNET_COUNT;
  for (let n = 0; n < SUBNET_COUNT; n++) {
    const from = POOL_BASE + ((first + n) % SUBNET_COUNT) * SUBNET_SIZE;
    const to = from + SUBNET_SIZE - 1;
    if (!ranges.some((range) => range.from <= to && from <= range.to)) yield `${dotted(from)}/${SUBNET_BITS}`;
  }
}

interface Range {
  readonly from: number;
  readonly to: number;
}

function rangeOf(cidr: string): Range | null {
  const [address = '', bits = '32'] = cidr.split('/');
  if (!isIPv4(address) || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) return null;
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  const from = number - (number % size);
  return { from, to: from + size - 1 };
}

function dotted(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c_9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x0100_0193) >>> 0;
  return value;
}
