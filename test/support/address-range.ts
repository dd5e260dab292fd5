/** IPv4 ranges for the networks of a test Engine, chosen so that they hide nothing that this machine can reach. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

const RANGE_ADDRESSES = 0x1000;

export interface EngineRange {
  /** Address of the bridge with its prefix length. */
  readonly bridge: string;
  /** For user networks. */
  readonly pool: string;
}

/** A /20 that no route leads into: its first /24 for the bridge, its second half for user networks. */
export function freeRange(): EngineRange {
  const routes = readFileSync('/proc/net/route', 'utf8').split('\n').slice(1).filter(Boolean);
  const taken = routes.map((line) => line.split('\t')).filter(([, target]) => target !== '00000000');
  for (;;) {
    const [b = 0, c = 0] = randomBytes(2);
    const [second, third] = [128 + (b % 128), c & 0xf0];
    const low = toNumber(`10.${second}.${third}.0`);
    const clashes = taken.some(([, target = '', , , , , , mask = '']) => {
      const first = fromLittleEndian(target);
      return first < low + RANGE_ADDRESSES && first + (0xffffffff - fromLittleEndian(mask)) >= low;
    });
    if (!clashes) return { bridge: `10.${second}.${third}.1/24`, pool: `10.${second}.${third + 8}.0/21` };
  }
}

/** @param range in CIDR notation */
export function isWithin(address: string, range: string): boolean {
  const [net = '', bits = ''] = range.split('/');
  const size = 2 ** (32 - Number(bits));
  return Math.floor(toNumber(address) / size) === Math.floor(toNumber(net) / size);
}

function fromLittleEndian(hex: string): number {
  return Buffer.from(hex, 'hex').readUInt32LE();
}

function toNumber(address: string): number {
  return address.split('.').reduce((total, part) => total * 256 + Number(part), 0);
}
