/**
 * Addresses of well-known content delivery networks, to tell "a CDN is in front" from "points somewhere else". From the
 * lists that Cloudflare (cloudflare.com/ips), Fastly (api.fastly.com/public-ip-list) and Amazon (ip-ranges.amazonaws.com,
 * service CLOUDFRONT, its large blocks) publish. A network that is missing here costs a less exact word, nothing else.
 */
import { BlockList, isIPv6 } from 'node:net';

const RANGES: Readonly<Record<string, readonly string[]>> = {
  Cloudflare: [
    '173.245.48.0/20',
    '103.21.244.0/22',
    '103.22.200.0/22',
    '103.31.4.0/22',
    '141.101.64.0/18',
    '108.162.192.0/18',
    '190.93.240.0/20',
    '188.114.96.0/20',
    '197.234.240.0/22',
    '198.41.128.0/17',
    '162.158.0.0/15',
    '104.16.0.0/13',
    '104.24.0.0/14',
    '172.64.0.0/13',
    '131.0.72.0/22',
    '2400:cb00::/32',
    '2606:4700::/32',
    '2803:f800::/32',
    '2405:b500::/32',
    '2405:8100::/32',
    '2a06:98c0::/29',
    '2c0f:f248::/32',
  ],
  Fastly: [
    '23.235.32.0/20',
    '43.249.72.0/22',
    '103.244.50.0/24',
    '104.156.80.0/20',
    '146.75.0.0/17',
    '151.101.0.0/16',
    '157.52.64.0/18',
    '167.82.0.0/17',
    '172.111.64.0/18',
    '185.31.16.0/22',
    '199.27.72.0/21',
    '199.232.0.0/16',
    '2a04:4e40::/32',
    '2a04:4e42::/32',
  ],
  CloudFront: [
    '13.32.0.0/15',
    '13.35.0.0/16',
    '18.64.0.0/14',
    '52.84.0.0/15',
    '54.182.0.0/16',
    '54.192.0.0/16',
    '54.230.0.0/16',
    '99.84.0.0/16',
    '143.204.0.0/16',
    '2600:9000::/28',
  ],
};

/** Looks addresses up among the networks. */
export class CdnRanges {
  readonly #lists: readonly (readonly [name: string, list: BlockList])[];

  constructor() {
    this.#lists = Object.entries(RANGES).map(([name, ranges]) => {
      const list = new BlockList();
      for (const range of ranges) {
        const [address = '', bits] = range.split('/');
        list.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4');
      }
      return [name, list];
    });
  }

  /** Name of the network an address belongs to; null: none that is known. */
  networkOf(address: string): string | null {
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    return this.#lists.find(([, list]) => list.check(address, family))?.[0] ?? null;
  }
}
