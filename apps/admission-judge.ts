/** What a plan allows, and the book of all that stands against a spec: every fault with its place and what to do instead. */

/** What the plan allows. */
export interface AdmissionRules {
  readonly privileged: boolean;
  readonly host_namespaces: boolean;
  readonly binds: boolean;
  readonly capabilities: boolean;
  readonly devices: boolean;
  readonly publish_ports: boolean;
  readonly sysctls: boolean;
}

export interface AdmissionFault {
  /** JSON pointer into the set. */
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

const SHOWN_MAX = 80;

export class Judge {
  readonly rules: AdmissionRules;
  readonly faults: AdmissionFault[] = [];

  constructor(rules: AdmissionRules) {
    this.rules = rules;
  }

  refuse(pointer: string, code: string, detail: string): void {
    this.faults.push({ pointer, code, detail });
  }

  badValue(pointer: string, detail: string): void {
    this.refuse(pointer, 'bad_value', detail);
  }

  /** @param what in the plural or with its article: `ports of the host` */
  notAllowed(pointer: string, what: string): void {
    this.refuse(
      pointer,
      'not_allowed',
      `${what}: the plan of this tenant does not allow it; leave it out, or ask an operator for another plan.`,
    );
  }

  /** Says once what stands twice. */
  repeated(items: readonly { readonly pointer: string; readonly of: string }[], detail: (of: string) => string): void {
    const seen = new Set<string>();
    for (const { pointer, of } of items) {
      if (seen.has(of)) this.refuse(pointer, 'repeated', detail(shown(of)));
      seen.add(of);
    }
  }
}

/** As a part of a JSON pointer (RFC 6901). */
export function escaped(name: string): string {
  return shown(name).replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Of a text that somebody sent, as much as an answer may repeat; nothing that a terminal would obey. */
export function shown(text: string): string {
  return text.slice(0, SHOWN_MAX).replace(/\p{Cc}/gu, '\u{fffd}');
}
