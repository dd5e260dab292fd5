/** A DNS server of our own on loopback: records by name and type, and names that fail in a given way. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';

const TYPES = { A: 1, NS: 2, CNAME: 5, SOA: 6, TXT: 16, AAAA: 28, CAA: 257 } as const;
export type ServedType = keyof typeof TYPES;
const RCODES = { servfail: 2, nxdomain: 3, refused: 5 } as const;
export type ServedFailure = keyof typeof RCODES | 'drop' | 'bogus';
const HEADER_BYTES = 12;
const ANSWER = 0x8180;
const CHECKING_DISABLED = 0x0010;
const TTL_S = 1;
const ALIASES_MAX = 8;

export interface AskedName {
  readonly name: string;
  readonly type: string;
}

export class DnsServer implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #records = new Map<string, Map<ServedType, readonly string[]>>();
  readonly #failures = new Map<string, ServedFailure>();
  readonly asked: AskedName[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (query, from) => this.#answer(query, from));
  }

  static async start(): Promise<DnsServer> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return new DnsServer(socket);
  }

  /** `ip:port`. */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  /** CAA: `issue "ca.example"`, perhaps with `critical ` before it. */
  set(name: string, type: ServedType, values: readonly string[]): void {
    const records = this.#records.get(name) ?? new Map<ServedType, readonly string[]>();
    records.set(type, values);
    this.#records.set(name, records);
  }

  /** `bogus`: SERVFAIL, unless the question disables the checking. */
  fail(name: string, how: ServedFailure): void {
    this.#failures.set(name, how);
  }

  /** Forgets a name; none given: everything. */
  clear(name?: string): void {
    if (name === undefined) {
      this.#records.clear();
      this.#failures.clear();
    } else {
      this.#records.delete(name);
      this.#failures.delete(name);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  #answer(query: Buffer, from: RemoteInfo): void {
    const { name, end } = readName(query, HEADER_BYTES);
    const code = query.readUInt16BE(end);
    const type = (Object.keys(TYPES) as ServedType[]).find((one) => TYPES[one] === code);
    this.asked.push({ name, type: type ?? String(code) });
    const failure = this.#failures.get(name);
    const unchecked = (query.readUInt16BE(2) & CHECKING_DISABLED) !== 0;
    if (failure === 'drop') return;
    const question = query.subarray(HEADER_BYTES, end + 4);
    const found = type === undefined ? [] : this.#find(name, type);
    const isKnown = this.#records.has(name);
    const rcode =
      failure === 'bogus'
        ? unchecked
          ? 0
          : RCODES.servfail
        : failure !== undefined
          ? RCODES[failure]
          : isKnown
            ? 0
            : RCODES.nxdomain;
    const answers = rcode === 0 ? found : [];
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt16BE(query.readUInt16BE(0), 0);
    header.writeUInt16BE(ANSWER | rcode, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(answers.length, 6);
    this.#socket.send(Buffer.concat([header, question, ...answers]), from.port, from.address);
  }

  /** Records of the type, behind the aliases that lead to them. */
  #find(asked: string, type: ServedType): Buffer[] {
    const found: Buffer[] = [];
    let name = asked;
    for (let i = 0; i < ALIASES_MAX; i++) {
      const records = this.#records.get(name);
      const alias = records?.get('CNAME')?.[0];
      if (alias !== undefined) found.push(record(name, 'CNAME', alias));
      if (alias === undefined || type === 'CNAME') {
        if (type !== 'CNAME') for (const value of records?.get(type) ?? []) found.push(record(name, type, value));
        break;
      }
      name = alias;
    }
    return found;
  }
}

function record(name: string, type: ServedType, value: string): Buffer {
  const data = dataOf(type, value);
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(TYPES[type], 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(TTL_S, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([nameOctets(name), fixed, data]);
}

function dataOf(type: ServedType, value: string): Buffer {
  switch (type) {
    case 'A':
      return Buffer.from(value.split('.').map(Number));
    case 'AAAA':
      return ipv6Octets(value);
    case 'TXT': {
      const octets = Buffer.from(value, 'utf8');
      const parts: Buffer[] = [];
      for (let at = 0; at === 0 || at < octets.length; at += 255) {
        const part = octets.subarray(at, at + 255);
        parts.push(Buffer.from([part.length]), part);
      }
      return Buffer.concat(parts);
    }
    case 'CAA': {
      const [, critical, tag = '', text = ''] = /^(critical )?(\w+) "(.*)"$/.exec(value) ?? [];
      return Buffer.concat([
        Buffer.from([critical === undefined ? 0 : 128, tag.length]),
        Buffer.from(tag + text, 'latin1'),
      ]);
    }
    default:
      return nameOctets(value);
  }
}

function nameOctets(name: string): Buffer {
  const labels = name === '' ? [] : name.split('.');
  return Buffer.concat([
    ...labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]),
    Buffer.from([0]),
  ]);
}

function readName(octets: Buffer, start: number): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = start;
  for (let bytes = octets[at] ?? 0; bytes > 0; bytes = octets[at] ?? 0) {
    labels.push(octets.toString('latin1', at + 1, at + 1 + bytes));
    at += 1 + bytes;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

function ipv6Octets(text: string): Buffer {
  const [head = '', tail] = text.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  const groups = tail === undefined ? left : [...left, ...zeros, ...right];
  const octets = Buffer.alloc(16);
  for (const [i, group] of groups.entries()) octets.writeUInt16BE(Number.parseInt(group, 16), i * 2);
  return octets;
}
