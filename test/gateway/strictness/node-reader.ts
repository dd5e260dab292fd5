/**
 * Node's own HTTP/1 parser (llhttp, strict) fed octet by octet in step with a connection: the second opinion on everything
 * that crosses a wire in these tests. Cheap enough to read every input of a fuzzer.
 */
import { createRequire } from 'node:module';

/** One message as Node reads it. Text is latin1. */
export interface ReadMessage {
  /** '' for a response. */
  method: string;
  target: string;
  /** 0 for a request. */
  status: number;
  /** name, value, … as they stood on the wire. */
  fields: string[];
  body: string;
  trailers: string[];
  whole: boolean;
  /** What follows its head is no HTTP any more. */
  upgrade: boolean;
}

interface Parser {
  [callback: number]: unknown;
  initialize(kind: number, resource: object, headMaxBytes: number, leniency: number): void;
  execute(octets: Buffer): number | (Error & { code: string; bytesParsed: number });
  finish(): Error | undefined;
  close(): void;
}

interface ParserClass {
  new (): Parser;
  readonly REQUEST: number;
  readonly RESPONSE: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageBegin: number;
  readonly kOnMessageComplete: number;
}

const { HTTPParser, methods } = createRequire(import.meta.url)('_http_common') as {
  HTTPParser: ParserClass;
  methods: readonly string[];
};

const HEAD_MAX_BYTES = 1_000_000;
/** Numbers of methods run on from here behind those of other protocols. */
const QUERY = 46;
const WITHOUT_BODY = 1;
const SWITCHED = 2;

export interface NodeReaderOptions {
  /** Called when a message is whole, or its head says that another protocol follows. */
  readonly onWhole?: (message: ReadMessage) => void;
  /** Called when a head is complete. */
  readonly onHead?: (message: ReadMessage) => void;
  /** Of responses: whether the next one answers HEAD. */
  readonly answersHead?: () => boolean;
  /** Requests that ask for another protocol are not given it: HTTP goes on behind them. */
  readonly declines?: boolean;
}

export class NodeReader {
  readonly messages: ReadMessage[] = [];
  /** The code Node refused what came next with, or ''. */
  error = '';
  /** Octets after a switch to another protocol. */
  rest = '';
  /** Octets of a message that is not whole. */
  isInside = false;
  readonly #parser: Parser = new HTTPParser();
  readonly #kind: number;
  readonly #declines: boolean;
  #switched = false;
  #flushed: string[] = [];
  #target = '';
  #current: ReadMessage | null = null;

  constructor(kind: 'request' | 'response', options: NodeReaderOptions = {}) {
    const parser = this.#parser;
    const isRequest = kind === 'request';
    this.#kind = isRequest ? HTTPParser.REQUEST : HTTPParser.RESPONSE;
    this.#declines = options.declines === true;
    parser.initialize(this.#kind, {}, HEAD_MAX_BYTES, 0);
    parser[HTTPParser.kOnMessageBegin] = () => {
      this.#flushed = [];
      this.#target = '';
      this.isInside = true;
    };
    parser[HTTPParser.kOnHeaders] = (fields: string[], target: string) => {
      this.#flushed.push(...fields);
      if (this.#target === '') this.#target = target;
    };
    parser[HTTPParser.kOnHeadersComplete] = (
      ...[, , fields, method, target, status, , upgrade]: [
        ...[major: number, minor: number, fields: string[] | undefined, method: number, target: string | undefined],
        ...[status: number | undefined, reason: string | undefined, upgrade: boolean, keepAlive: boolean],
      ]
    ) => {
      const message: ReadMessage = {
        method: isRequest ? nameOf(method) : '',
        target: target ?? this.#target,
        status: status ?? 0,
        fields: [...this.#flushed, ...(fields ?? [])],
        body: '',
        trailers: [],
        whole: false,
        upgrade: upgrade === true,
      };
      this.#flushed = [];
      this.#current = message;
      this.messages.push(message);
      options.onHead?.(message);
      if (isRequest) return 0;
      if (upgrade) return SWITCHED;
      return message.status >= 200 && options.answersHead?.() === true ? WITHOUT_BODY : 0;
    };
    parser[HTTPParser.kOnBody] = (part: Buffer) => {
      if (this.#current !== null) this.#current.body += part.toString('latin1');
    };
    parser[HTTPParser.kOnMessageComplete] = () => {
      const message = this.#current;
      this.isInside = false;
      if (message === null) return;
      message.trailers = this.#flushed;
      message.whole = true;
      this.#current = null;
      if (message.upgrade) this.#switched = true;
      options.onWhole?.(message);
    };
  }

  read(octets: Buffer): void {
    if (this.error !== '') return;
    if (this.#switched) {
      this.rest += octets.toString('latin1');
      return;
    }
    const outcome = this.#parser.execute(octets);
    if (typeof outcome !== 'number') this.error = outcome.code;
    else if (this.#switched && this.#declines) {
      this.#switched = false;
      this.#parser.initialize(this.#kind, {}, HEAD_MAX_BYTES, 0);
      if (outcome < octets.length) this.read(octets.subarray(outcome));
    } else if (this.#switched) this.rest += octets.toString('latin1', outcome);
  }

  /** The connection has ended cleanly. */
  end(): void {
    if (this.error !== '' || this.#switched) return;
    const outcome = this.#parser.finish() as (Error & { code?: string }) | undefined;
    if (outcome !== undefined) this.error = outcome.code ?? outcome.message;
  }

  close(): void {
    this.#parser.close();
  }
}

function nameOf(method: number): string {
  return method === QUERY ? 'QUERY' : (methods[method] ?? String(method));
}
