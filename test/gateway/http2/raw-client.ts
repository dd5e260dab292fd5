/**
 * An HTTP/2 client for tests that sends whatever frames it is told to, and remembers those it was sent.
 */
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { FLAG, FRAME, PREFACE } from '#gateway/http2/frame';
import { HpackDecoder } from '#gateway/http2/hpack/decoder';
import { Rig, type RigOptions } from '#test/gateway/support/rig';
import { until } from '#test/support/until';

const TEST_TIMEOUT_MS = 120_000;

/** Registers a test on both transports: the slow lane alone does not speak HTTP/2. */
export function onHttp2(name: string, options: Omit<RigOptions, 'lane'>, run: (rig: Rig) => Promise<void>): void {
  for (const lane of ['fast-net', 'fast-handle'] as const) {
    test(`${name} (${lane} lane)`, { timeout: TEST_TIMEOUT_MS }, async () => {
      const rig = new Rig({ ...options, lane });
      await rig.start();
      try {
        await run(rig);
      } finally {
        await rig.close();
      }
    });
  }
}

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
  /** Of HEADERS. */
  readonly fields: readonly string[];
}

export interface FrameToSend {
  readonly type: number;
  readonly flags?: number;
  readonly streamId?: number;
  readonly payload?: Buffer | string;
}

export const GET: readonly string[] = [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'app.test'];
export const POST: readonly string[] = [':method', 'POST', ':scheme', 'http', ':path', '/', ':authority', 'app.test'];
export const WHOLE = FLAG.endStream | FLAG.endHeaders;

/** A frame as octets. */
export function frame({ type, flags = 0, streamId = 0, payload = '' }: FrameToSend): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, body]);
}

/** Fields as a block of plain literals, which depends on no table. */
export function block(fields: readonly string[]): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    parts.push(Buffer.from([0]), text(fields[i] ?? ''), text(fields[i + 1] ?? ''));
  }
  return Buffer.concat(parts);
}

function text(value: string): Buffer {
  const { length } = value;
  const size = length < 127 ? [length] : [127, ((length - 127) & 127) | 128, (length - 127) >> 7];
  return Buffer.concat([Buffer.from(size), Buffer.from(value, 'latin1')]);
}

export function word(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets;
}

/** A payload of SETTINGS. */
export function settings(...pairs: readonly (readonly [number, number])[]): Buffer {
  return Buffer.concat(
    pairs.map(([id, value]) => {
      const octets = Buffer.alloc(6);
      octets.writeUInt16BE(id);
      octets.writeUInt32BE(value, 2);
      return octets;
    }),
  );
}

export class RawClient {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  #unread: Buffer = Buffer.alloc(0);
  readonly #decoder = new HpackDecoder({ listMaxBytes: 1_000_000, blockMaxBytes: 100_000 });
  readonly #ended = new Set<number>();
  closed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', (octets) => this.#read(octets));
    socket.on('end', () => {
      this.closed = true;
      socket.destroy();
    });
    socket.on('close', () => {
      this.closed = true;
    });
  }

  /** Connects and opens with the preface and the given SETTINGS; null sends neither. */
  static async open(rig: Rig, opening: Buffer | null = Buffer.alloc(0)): Promise<RawClient> {
    const socket = connect({ port: rig.port, host: '127.0.0.1', noDelay: true });
    const client = new RawClient(socket);
    rig.owns({ close: () => void socket.destroy() });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('error', reject);
    });
    if (opening !== null) {
      client.write(PREFACE);
      client.send({ type: FRAME.settings, payload: opening });
    }
    return client;
  }

  write(octets: Buffer): void {
    this.socket.write(octets);
  }

  send(...frames: readonly FrameToSend[]): void {
    this.write(Buffer.concat(frames.map(frame)));
  }

  /** Sends a request without a body, or the head of one with. */
  request(streamId: number, fields: readonly string[] = GET, flags: number = WHOLE): void {
    this.send({ type: FRAME.headers, flags, streamId, payload: block(fields) });
  }

  data(streamId: number, payload: Buffer | string, flags = 0): void {
    this.send({ type: FRAME.data, flags, streamId, payload });
  }

  /** The frames of a type that came, for one stream if it is named. */
  of(type: number, streamId?: number): Frame[] {
    return this.frames.filter((one) => one.type === type && (streamId === undefined || one.streamId === streamId));
  }

  /** Waits for a frame. */
  async has(type: number, streamId?: number): Promise<Frame> {
    const what = `a frame of type ${type} for stream ${streamId ?? 'any'}; there came ${this.#summary}`;
    await until(() => this.of(type, streamId).length > 0, { what });
    return this.of(type, streamId)[0] as Frame;
  }

  /** The `:status` of each HEADERS of a stream that has one. */
  statuses(streamId: number): string[] {
    return this.of(FRAME.headers, streamId).flatMap(({ fields }) => (fields[0] === ':status' ? [fields[1] ?? ''] : []));
  }

  /** Waits for the status of the answer on a stream. */
  async status(streamId: number): Promise<string> {
    await until(() => this.statuses(streamId).length > 0, { what: `an answer on stream ${streamId}` });
    return this.statuses(streamId)[0] as string;
  }

  bodyOf(streamId: number): Buffer {
    return Buffer.concat(this.of(FRAME.data, streamId).map(({ payload }) => payload));
  }

  isEnded(streamId: number): boolean {
    return this.#ended.has(streamId);
  }

  async ended(streamId: number): Promise<void> {
    await until(() => this.isEnded(streamId), { what: `the end of stream ${streamId}` });
  }

  /** Waits for RST_STREAM; tells its code. */
  async reset(streamId: number): Promise<number> {
    return (await this.has(FRAME.reset, streamId)).payload.readUInt32BE();
  }

  /** Waits for the last GOAWAY and the end of the connection; tells its code. */
  async goneFor(): Promise<number> {
    await until(() => this.closed, { what: 'the end of the connection' });
    const last = this.of(FRAME.goAway).at(-1);
    return last === undefined ? -1 : last.payload.readUInt32BE(4);
  }

  /** Asks for a PING to be answered: everything sent before has been read then. */
  async settled(): Promise<void> {
    const before = this.#pongs;
    this.send({ type: FRAME.ping, payload: 'settled!' });
    await until(() => this.#pongs > before, { what: 'the answer to a PING' });
  }

  get #pongs(): number {
    return this.of(FRAME.ping).filter(({ flags }) => (flags & FLAG.ack) !== 0).length;
  }

  get #summary(): string {
    return this.frames.map((one) => `${one.type}@${one.streamId}`).join(' ');
  }

  #read(octets: Buffer): void {
    const all = this.#unread.length === 0 ? octets : Buffer.concat([this.#unread, octets]);
    let at = 0;
    for (; all.length - at >= 9; ) {
      const length = all.readUIntBE(at, 3);
      if (all.length - at < 9 + length) break;
      this.#take(all.subarray(at, at + 9 + length));
      at += 9 + length;
    }
    this.#unread = Buffer.from(all.subarray(at));
  }

  #take(octets: Buffer): void {
    const payload = Buffer.from(octets.subarray(9));
    const type = octets[3] as number;
    const flags = octets[4] as number;
    const streamId = octets.readUInt32BE(5);
    if (type === FRAME.headers) this.#decoder.decode(payload, 0, payload.length);
    if (type <= FRAME.headers && (flags & FLAG.endStream) !== 0) this.#ended.add(streamId);
    const fields = type === FRAME.headers ? [...this.#decoder.fields] : [];
    this.frames.push({ type, flags, streamId, payload, fields });
  }
}
