/** Addresses that cannot be reached from outside: of this machine, of private networks, of links (RFC 6890). */
import { BlockList, isIPv6 } from 'node:net';

const RANGES = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '224.0.0.0/3',
  '::/127',
  'fc00::/7',
  'fe80::/10',
  'ff00::/8',
];

/** Tells them from others. */
export function inwardAddresses(): (address: string) => boolean {
  const list = new BlockList();
  for (const range of RANGES) {
    const [address = '', bits] = range.split('/');
    list.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4');
  }
  return (address) => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
