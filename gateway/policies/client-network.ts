/**
 * The network that stands for one client. An IPv6 client has a whole /64 to take addresses from (RFC 4291 2.5.4, RFC 6177),
 * so a limit per address would be none.
 */

const GROUPS_OF_64_BITS = 4;

/** IPv4 (and whatever else names a client) as it is; IPv6: its /64, as `2001:db8:0:1::/64`. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [front = '', back] = address.split('::');
  const groups = front === '' ? [] : front.split(':');
  if (back !== undefined && groups.length < GROUPS_OF_64_BITS) {
    const tail = back === '' ? [] : back.split(':');
    // An IPv4 address at the end takes the place of two groups.
    const tailCount = tail.length + (back.includes('.') ? 1 : 0);
    const zeros = Math.max(0, 8 - groups.length - tailCount);
    groups.push(...new Array<string>(zeros).fill('0'), ...tail);
  }
  const prefix = groups.slice(0, GROUPS_OF_64_BITS).map((group) => group.replace(/^0+(?=.)/, '').toLowerCase());
  return `${prefix.join(':')}::/64`;
}
