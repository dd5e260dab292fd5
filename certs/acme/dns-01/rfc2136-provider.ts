/**
 * DNS-01 by dynamic update (RFC 2136): the records are written into the zone at its own name server, signed by a TSIG key.
 * The server's answer counts only with its signature; the zone, where it is not given, is found by signed questions too.
 *
 * Promise: an update adds or removes exactly one TXT record. There are no prerequisites, so it may be sent again.
 */
import type { Clock } from '#core/clock';
import type { UpdateServer } from '#core/dns-provider-url';
import { messageOf } from '#core/errors';
import { pause } from '../pause.ts';
import { exchange } from './dns-exchange.ts';
import {
  CLASS,
  type DnsMessage,
  decodeMessage,
  encodeMessage,
  encodeText,
  type MessageDraft,
  OPCODE,
  RCODE,
  TYPE,
} from './dns-message.ts';
import type { DnsProvider } from './dns-provider.ts';
import { checkSignature, signMessage, type TsigKey, type TsigVerdict } from './tsig.ts';
import { rcodeWords, verdictWords } from './update-words.ts';

const CALL_MS = 10_000;
const TRIES = 3;
const AGAIN_MS = 1000;
/** Short: a name is proved again with another value. */
const TTL_S = 60;

export interface Rfc2136ProviderOptions {
  readonly server: Pick<UpdateServer, 'host' | 'port' | 'zone'>;
  readonly key: TsigKey;
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Buffer;
}

type Draft = Omit<MessageDraft, 'id'>;
type Outcome = { readonly answer: DnsMessage } | Fault;
/** `isTheirs`: it may work the next time. */
interface Fault {
  readonly isTheirs: boolean;
  readonly words: string;
}

export class Rfc2136Provider implements DnsProvider {
  readonly name: string;
  readonly #options: Rfc2136ProviderOptions;

  constructor(options: Rfc2136ProviderOptions) {
    const { host, port } = options.server;
    this.#options = options;
    this.name = `dynamic update at ${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  /** @throws Error with what the server said, or did not say, and what to do about it */
  set(name: string, value: string, signal: AbortSignal): Promise<void> {
    return this.#write(name, { class: CLASS.IN, ttl: TTL_S, value }, signal);
  }

  /** @throws Error as `set` */
  clear(name: string, value: string, signal: AbortSignal): Promise<void> {
    // RFC 2136 2.5.4: class NONE and no time to live remove the record with this very value.
    return this.#write(name, { class: CLASS.NONE, ttl: 0, value }, signal);
  }

  async #write(
    name: string,
    { value, ...how }: { readonly class: number; readonly ttl: number; readonly value: string },
    signal: AbortSignal,
  ): Promise<void> {
    const zone = this.#options.server.zone ?? (await this.#findZone(name, signal));
    if (!covers(zone, name)) throw this.#error(`${name} is not in the zone ${zone} that TIDEGATE_ACME_DNS names`);
    const records = [{ name, type: TYPE.TXT, ...how, data: encodeText(value) }];
    const { rcode } = await this.#ask({ opcode: OPCODE.UPDATE, name: zone, type: TYPE.SOA, records }, signal);
    if (rcode !== RCODE.NOERROR) throw this.#error(this.#rcodeWords(rcode, zone));
  }

  /** The zone that the name is in, as the server holds it: each name from this one upwards is asked for its SOA. */
  async #findZone(name: string, signal: AbortSignal): Promise<string> {
    for (let at = name; at !== ''; at = at.split('.').slice(1).join('.')) {
      const answer = await this.#ask({ opcode: OPCODE.QUERY, name: at, type: TYPE.SOA }, signal);
      if (answer.rcode === RCODE.REFUSED) break;
      if (answer.rcode !== RCODE.NOERROR && answer.rcode !== RCODE.NXDOMAIN) {
        throw this.#error(this.#rcodeWords(answer.rcode, at));
      }
      const { answers, authority } = answer;
      const isAbove = (type: number) => (one: { readonly type: number; readonly name: string }) =>
        one.type === type && one.name !== '' && covers(one.name, at);
      if (answer.isAuthoritative) {
        // The one in the authority section says so of a name that has none itself.
        const soa = [...answers, ...authority].find(isAbove(TYPE.SOA));
        if (soa !== undefined) return soa.name;
        continue;
      }
      const cut = authority.find(isAbove(TYPE.NS));
      if (cut !== undefined) {
        throw this.#error(`it has handed ${cut.name} over to other servers; name one of them in TIDEGATE_ACME_DNS`);
      }
    }
    throw this.#error(
      `it holds no zone that ${name} is in, or not for this key; name the primary server of the zone in TIDEGATE_ACME_DNS`,
    );
  }

  /** @throws Error when it cannot be had, or not be believed, after three tries where they can help */
  async #ask(draft: Draft, signal: AbortSignal): Promise<DnsMessage> {
    for (let tries = 1; ; tries++) {
      const outcome = await this.#try(draft, signal);
      if ('answer' in outcome) return outcome.answer;
      if (!outcome.isTheirs || tries === TRIES) throw this.#error(outcome.words);
      await pause(this.#options.clock, AGAIN_MS * tries, signal);
    }
  }

  async #try(draft: Draft, signal: AbortSignal): Promise<Outcome> {
    const { server, key, clock, randomBytes } = this.#options;
    const id = randomBytes(2).readUInt16BE();
    const { wire, mac } = signMessage(encodeMessage({ id, ...draft }), key, clock.wall());
    let heard: Buffer;
    try {
      heard = await exchange(wire, { host: server.host, port: server.port, clock, deadlineMs: CALL_MS }, signal);
    } catch (error) {
      signal.throwIfAborted();
      return { isTheirs: true, words: messageOf(error) };
    }
    const answer = decoded(heard);
    if (answer === null || answer.id !== id || !answer.isAnswer || answer.opcode !== draft.opcode) {
      return { isTheirs: false, words: 'what it answered is no answer to what it was asked; is it a DNS server?' };
    }
    const verdict = checkSignature(heard, answer, { key, requestMac: mac, now: clock.wall() });
    return this.#judge(answer, verdict, draft.name);
  }

  #judge(answer: DnsMessage, verdict: TsigVerdict, name: string): Outcome {
    const { rcode } = answer;
    // A failure may come unsigned: believing it changes nothing but the words.
    const hasFailed = verdict.kind === 'unsigned' && rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN;
    if (hasFailed || (verdict.kind === 'good' && rcode === RCODE.SERVFAIL)) {
      return { isTheirs: rcode === RCODE.SERVFAIL, words: this.#rcodeWords(rcode, name) };
    }
    if (verdict.kind === 'good') return { answer };
    return { isTheirs: false, words: verdictWords(verdict, this.#options.key) };
  }

  #rcodeWords(rcode: number, name: string): string {
    return rcodeWords(rcode, { name, key: this.#options.key });
  }

  #error(words: string): Error {
    return new Error(`${this.name}: ${words}`);
  }
}

function covers(zone: string, name: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}

function decoded(wire: Buffer): DnsMessage | null {
  try {
    return decodeMessage(wire);
  } catch {
    return null;
  }
}
