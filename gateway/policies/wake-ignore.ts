/**
 * `tidegate.wake.ignore`: requests of monitors and robots, told by a rule, that wake nothing and keep nothing awake. Looked
 * at where the request came in, for sets that have rules.
 */
import { BlockList, isIP } from 'node:net';
import type { IgnoreRule } from '#core/edge-policy';

interface Asking {
  readonly method: string;
  readonly path: string;
  field(name: string): string | undefined;
}

export class WakeIgnore {
  readonly #tests: ((head: Asking, client: string) => boolean)[];

  constructor(rules: readonly IgnoreRule[]) {
    this.#tests = rules.map(testOf);
  }

  /** @param client address of the client itself */
  holds(head: Asking, client: string): boolean {
    return this.#tests.some((test) => test(head, client));
  }
}

function testOf({ kind, value }: IgnoreRule): (head: Asking, client: string) => boolean {
  switch (kind) {
    case 'method':
      return (head) => head.method === value;
    case 'path': {
      const fits = wildcard(value, '');
      return (head) => fits.test(head.path);
    }
    case 'ua': {
      const fits = wildcard(value, 'i');
      return (head) => fits.test(head.field('user-agent') ?? '');
    }
    case 'ip': {
      const list = new BlockList();
      const [address = '', bits] = value.split('/');
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      if (bits === undefined) list.addAddress(address, family);
      else list.addSubnet(address, Number(bits), family);
      return (_head, client) => isIP(client) !== 0 && list.check(client, isIP(client) === 6 ? 'ipv6' : 'ipv4');
    }
  }
}

/** `*` stands for any characters, also none. No two of them in a row, and a few at most, so that no text takes long. */
function wildcard(text: string, flags: string): RegExp {
  const parts = text.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^]*?')}$`, flags);
}
