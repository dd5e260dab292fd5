/** An address for the bridge of a test Engine, chosen so that it hides nothing that this machine can reach. */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';

const NETWORK_ADDRESSES = 256;
/** 10.128.0.0/9: Docker takes none of it by itself. */
const LOWEST = 10 * 2 ** 24 + 128 * 2 ** 16;
const NETWORKS = 2 ** 15;

/** The first address of a /24 that no route leads into, with its prefix length. */
export function freeBridgeAddress(): string {
  const routes = readFileSync('/proc/net/route', 'utf8').split('\n').slice(1).filter(Boolean);
  const taken = routes.map((line) => line.split('\t')).filter(([, target]) => target !== '00000000');
  for (;;) {
    const network = LOWEST + randomInt(NETWORKS) * NETWORK_ADDRESSES;
    const clashes = taken.some(([, target = '', , , , , , mask = '']) => {
      const first = fromLittleEndian(target);
      return first < network + NETWORK_ADDRESSES && first + (0xffffffff - fromLittleEndian(mask)) >= network;
    });
    if (!clashes) return `10.${(network >> 16) & 0xff}.${(network >> 8) & 0xff}.1/24`;
  }
}

function fromLittleEndian(hex: string): number {
  return Buffer.from(hex, 'hex').readUInt32LE();
}
