/** Networks of addresses (CIDR, RFC 4632): whether an address lies in one of them, and whether one lies within another. */
import { BlockList, isIP } from 'node:net';

const BITS = { ipv4: 32, ipv6: 128 } as const;

export class Networks {
  readonly #list = new BlockList();
  readonly isEmpty: boolean;

  /** @param cidrs as {@link readNetwork} gives them: `10.0.0.0/8`, `fd00::/8` */
  constructor(cidrs: readonly string[]) {
    this.isEmpty = cidrs.length === 0;
    for (const cidr of cidrs) {
      const { address, bits, family } = partsOf(cidr);
      this.#list.addSubnet(address, bits, family);
    }
  }

  /** @param address without brackets, port or zone; what is no address lies nowhere */
  has(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && !this.isEmpty && this.#list.check(address, family === 6 ? 'ipv6' : 'ipv4');
  }
}

/** A network as it was written, or an address as the network of it alone; null: it is neither. */
export function readNetwork(text: string): string | null {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0 || address.includes('%')) return null;
  const most = family === 6 ? BITS.ipv6 : BITS.ipv4;
  if (bits === undefined) return `${address}/${most}`;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= most ? `${address}/${Number(bits)}` : null;
}

/** Whether every address of the inner networks lies in an outer one. No outer network stands for all addresses. */
export function holdsNetworks(outer: readonly string[], inner: readonly string[]): boolean {
  if (outer.length === 0) return true;
  if (inner.length === 0) return false;
  return inner.every((one) => {
    const { address, bits, family } = partsOf(one);
    return outer.some((wide) => {
      const whole = partsOf(wide);
      return whole.family === family && whole.bits <= bits && new Networks([wide]).has(address);
    });
  });
}

function partsOf(cidr: string): { address: string; bits: number; family: 'ipv4' | 'ipv6' } {
  const slash = cidr.indexOf('/');
  const address = cidr.slice(0, slash);
  return { address, bits: Number(cidr.slice(slash + 1)), family: address.includes(':') ? 'ipv6' : 'ipv4' };
}
