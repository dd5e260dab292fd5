/**
 * `tidegate.wake.ignore`: requests of monitors and robots, told by a rule, that wake nothing and keep nothing awake. Looked
 * at where the request came in, for sets that have rules; whatever the client sends, that takes no time to speak of.
 */
import type { IgnoreRule } from '#core/edge-policy';
import { ClientAddresses } from './client-addresses.ts';

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
      const fits = wildcard(value);
      return (head) => fits(head.path);
    }
    case 'ua': {
      const fits = wildcard(value.toLowerCase());
      return (head) => fits((head.field('user-agent') ?? '').toLowerCase());
    }
    case 'ip': {
      const addresses = new ClientAddresses([value]);
      return (_head, client) => addresses.has(client);
    }
  }
}

/**
 * `*` stands for any characters, also none. Each part is looked for once, where it comes first: a regular expression would
 * try all places of all parts, and a client could send a text that takes it hours.
 */
function wildcard(pattern: string): (text: string) => boolean {
  const [first = '', ...parts] = pattern.split('*');
  const last = parts.pop();
  if (last === undefined) return (text) => text === pattern;
  return (text) => {
    if (!text.startsWith(first)) return false;
    let at = first.length;
    for (const part of parts) {
      const found = text.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return text.length - at >= last.length && text.endsWith(last);
  };
}
