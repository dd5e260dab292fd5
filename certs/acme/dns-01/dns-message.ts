/**
 * DNS messages on the wire (RFC 1035 4), as far as a dynamic update (RFC 2136) needs them: one question or zone, records to
 * be added or removed, and any answer read down to where each record lies.
 *
 * A codec of our own: `dns-packet`, which most use, knows neither the class NONE that removes a record nor opcode-aware
 * sections nor TSIG, and does not tell at which byte a record begins, which the signature of an answer depends on.
 */

export const TYPE = { NS: 2, SOA: 6, TXT: 16, TSIG: 250, ANY: 255 } as const;
/** NONE, in an update: the record is removed. */
export const CLASS = { IN: 1, NONE: 254, ANY: 255 } as const;
export const OPCODE = { QUERY: 0, UPDATE: 5 } as const;
/** RFC 1035 4.1.1 and RFC 2136 2.2. */
export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
} as const;

export const HEADER_BYTES = 12;
/** Offset of the count of additional records. */
export const ARCOUNT_AT = 10;
const LABEL_MAX = 63;
const NAME_MAX = 255;
const STRING_MAX = 255;
const POINTER = 0xc0;

export interface RecordDraft {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Seconds. */
  readonly ttl: number;
  readonly data: Buffer;
}

export interface DnsRecord extends RecordDraft {
  /** Where it begins in the message. */
  readonly start: number;
  readonly dataStart: number;
}

export interface MessageDraft {
  readonly id: number;
  readonly opcode: number;
  /** The question, or the zone of an update. */
  readonly name: string;
  readonly type: number;
  /** What an update adds and removes. */
  readonly records?: readonly RecordDraft[];
}

export interface DnsMessage {
  readonly id: number;
  readonly isAnswer: boolean;
  readonly opcode: number;
  readonly isAuthoritative: boolean;
  readonly rcode: number;
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
}

export function encodeMessage({ id, opcode, name, type, records = [] }: MessageDraft): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(opcode << 11, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 8);
  return Buffer.concat([header, encodeName(name), shorts(type, CLASS.IN), ...records.map(encodeRecord)]);
}

export function encodeRecord({ name, type, class: klass, ttl, data }: RecordDraft): Buffer {
  const ttlBytes = Buffer.alloc(4);
  ttlBytes.writeUInt32BE(ttl);
  return Buffer.concat([encodeName(name), shorts(type, klass), ttlBytes, shorts(data.length), data]);
}

/**
 * Uncompressed and in lower case, which is also what signatures are made over (RFC 4034 6.2).
 * @throws Error when it is no DNS name
 */
export function encodeName(name: string): Buffer {
  const labels = name === '' ? [] : name.toLowerCase().split('.');
  const parts = labels.map((label) => {
    const bytes = Buffer.from(label, 'latin1');
    if (bytes.length === 0 || bytes.length > LABEL_MAX) throw new Error(`"${name}" is not a DNS name`);
    return Buffer.concat([Buffer.of(bytes.length), bytes]);
  });
  const encoded = Buffer.concat([...parts, Buffer.of(0)]);
  if (encoded.length > NAME_MAX) throw new Error(`"${name}" is too long for a DNS name`);
  return encoded;
}

/** The data of a TXT record: strings of at most 255 bytes. */
export function encodeText(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  const strings: Buffer[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += STRING_MAX) {
    const part = bytes.subarray(at, at + STRING_MAX);
    strings.push(Buffer.of(part.length), part);
  }
  return Buffer.concat(strings);
}

/** 16-bit numbers in network order. */
export function shorts(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 2);
  for (const [i, number] of numbers.entries()) bytes.writeUInt16BE(number, i * 2);
  return bytes;
}

/** @throws RangeError or Error when the bytes are no DNS message */
export function decodeMessage(wire: Buffer): DnsMessage {
  const flags = wire.readUInt16BE(2);
  let at = HEADER_BYTES;
  for (let left = wire.readUInt16BE(4); left > 0; left--) at = readName(wire, at).end + 4;
  const [answers, authority, additional] = [6, 8, ARCOUNT_AT].map((countAt) => {
    const records: DnsRecord[] = [];
    for (let left = wire.readUInt16BE(countAt); left > 0; left--) {
      const record = readRecord(wire, at);
      at = record.dataStart + record.data.length;
      records.push(record);
    }
    return records;
  });
  if (at !== wire.length) throw new Error('the message goes on after its last record');
  return {
    id: wire.readUInt16BE(0),
    isAnswer: flags >> 15 === 1,
    opcode: (flags >> 11) & 15,
    isAuthoritative: ((flags >> 10) & 1) === 1,
    rcode: flags & 15,
    answers: answers ?? [],
    authority: authority ?? [],
    additional: additional ?? [],
  };
}

/**
 * A name in lower case, compressed or not, without a trailing dot; bytes that cannot stand in one unescaped as `\ddd`.
 * @returns `end` is where what follows it begins
 * @throws Error when a pointer does not lead back, or the name is too long
 */
export function readName(wire: Buffer, start: number): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = start;
  let end: number | null = null;
  let length = 1;
  // Every pointer has to lead to before all that was read: so this ends.
  let bound = start;
  for (;;) {
    const first = wire.readUInt8(at);
    if (first === 0) return { name: labels.join('.'), end: end ?? at + 1 };
    if (first >= POINTER) {
      end ??= at + 2;
      at = wire.readUInt16BE(at) & 0x3fff;
      if (at >= bound) throw new Error('a compressed name does not lead back');
      bound = at;
      continue;
    }
    if (first > LABEL_MAX || at + 1 + first > wire.length) throw new Error('a label is too long');
    length += 1 + first;
    if (length > NAME_MAX) throw new Error('a name is too long');
    labels.push(labelText(wire.subarray(at + 1, at + 1 + first)));
    at += 1 + first;
  }
}

function labelText(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .toLowerCase()
    .replace(/[^a-z0-9_*/-]/g, (one) => `\\${String(one.charCodeAt(0)).padStart(3, '0')}`);
}

function readRecord(wire: Buffer, start: number): DnsRecord {
  const { name, end } = readName(wire, start);
  const dataStart = end + 10;
  const dataEnd = dataStart + wire.readUInt16BE(end + 8);
  if (dataEnd > wire.length) throw new Error('a record goes on after the end of the message');
  return {
    name,
    type: wire.readUInt16BE(end),
    class: wire.readUInt16BE(end + 2),
    ttl: wire.readUInt32BE(end + 4),
    data: wire.subarray(dataStart, dataEnd),
    start,
    dataStart,
  };
}
