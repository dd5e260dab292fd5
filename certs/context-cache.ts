/**
 * Certificates as they are served, at hand for the next handshake: a bounded number of TLS contexts, whatever the number
 * of names. What is not at hand is asked for once, however many clients wait for it.
 */
import { constants, createHash } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { LRUCache } from 'lru-cache';
import { messageOf } from '#core/errors';
import type { Log } from '#core/log';
import type { CertificateSource, ServedCertificate } from './certificate-source.ts';
import type { ClientAuthority } from './client-authority.ts';
import { type CertificateMaterial, type CertificateStaple, type MaterialSource, wildcardOf } from './material.ts';

/** What a context takes outside of the heap: 22 KiB, and as much again by what it is made from and its share of the heap. */
const CONTEXT_BYTES = 45_056;
/** All of them take no more than this share of the machine. */
const MEMORY_SHARE = 1 / 50;
const CONTEXTS_LEAST = 2000;
const CONTEXTS_MOST = 16_000;
/** Forward-secret AEAD suites; those of TLS 1.3 come by themselves. AES first: nearly every machine has it in hardware. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');
/** The cheapest one first; every client offers it. */
const GROUPS = 'X25519:P-256:X25519MLKEM768:P-384';
const TICKET_LIFE_S = 43_200;
/** Kept per certificate: for each authority of clients it is shown with, and the forms that had before. */
const ASKING_MAX = 16;
/** What a session belongs to: 32 octets at most. */
const SESSION_CONTEXT_CHARACTERS = 32;

export interface ContextCacheOptions {
  /** Asked in this order. */
  readonly sources: readonly MaterialSource[];
  /** Unix time in ms. */
  readonly wall: () => number;
  readonly log: Log;
  /** 48 octets of chance, the same for all processes that serve the same clients. */
  readonly ticketKeys: Buffer;
  /** See {@link contextsFor}; the least if not given. */
  readonly contextsMax?: number;
}

/** How many contexts are kept at hand: making one costs as much as a handshake. @param memory bytes that the machine has */
export function contextsFor(memory: number): number {
  const affordable = Math.floor((memory * MEMORY_SHARE) / CONTEXT_BYTES);
  return Math.min(CONTEXTS_MOST, Math.max(CONTEXTS_LEAST, affordable));
}

export class ContextCache implements CertificateSource {
  readonly #options: ContextCacheOptions;
  readonly #served: LRUCache<string, Served>;
  readonly #pending = new Map<string, Promise<ServedCertificate | null>>();
  /** By what a certificate is: sources may read it anew for every name it covers. */
  readonly #byChain: LRUCache<string, Served>;
  #ticketKeys: Buffer;
  /** Grows with every change that is told: what was asked for before may be wrong. */
  #changes = 0;

  constructor(options: ContextCacheOptions) {
    this.#options = options;
    this.#ticketKeys = options.ticketKeys;
    const max = options.contextsMax ?? CONTEXTS_LEAST;
    this.#served = new LRUCache({ max });
    this.#byChain = new LRUCache({ max });
  }

  /** Hostnames that are at hand. */
  get size(): number {
    return this.#served.size;
  }

  contextFor(hostname: string): ServedCertificate | null | Promise<ServedCertificate | null> {
    const served = this.#served.get(hostname);
    if (served !== undefined && served.notAfterMs > this.#options.wall()) return served;
    const pending = this.#pending.get(hostname);
    if (pending !== undefined) return pending;
    const found = this.#ask({ hostname, changes: this.#changes, failed: false }, 0);
    if (!(found instanceof Promise)) return found;
    const answer = found.finally(() => {
      if (this.#pending.get(hostname) === answer) this.#pending.delete(hostname);
    });
    this.#pending.set(hostname, answer);
    return answer;
  }

  /** Encrypts tickets with these keys from now on; older tickets lead to a full handshake. */
  setTicketKeys(keys: Buffer): void {
    this.#ticketKeys = keys;
    for (const served of this.#served.values()) served.setTicketKeys(keys);
  }

  /**
   * Asks anew for what a source has changed. Open connections keep what they have.
   * @param names hostnames and wildcards; null: anything may have changed
   */
  forget(names: readonly string[] | null): void {
    this.#changes++;
    this.#pending.clear();
    this.#byChain.clear();
    if (names === null) this.#served.clear();
    else {
      const changed = new Set(names);
      for (const name of names) this.#served.delete(name);
      if (!names.some((name) => name.startsWith('*.'))) return;
      for (const hostname of [...this.#served.keys()]) {
        const wildcard = wildcardOf(hostname);
        if (wildcard !== null && changed.has(wildcard)) this.#served.delete(hostname);
      }
    }
  }

  #ask(question: Question, from: number): ServedCertificate | null | Promise<ServedCertificate | null> {
    const { sources } = this.#options;
    for (let i = from; i < sources.length; i++) {
      const found = this.#find(sources[i] as MaterialSource, question);
      if (found instanceof Promise) {
        return found.then((material) => this.#serve(question, material) ?? this.#ask(question, i + 1));
      }
      const served = this.#serve(question, found);
      if (served !== null) return served;
    }
    return null;
  }

  /** What fails here has nothing to serve: the next one may. */
  #find(source: MaterialSource, question: Question): ReturnType<MaterialSource['find']> {
    const { hostname } = question;
    const onError = (error: unknown): null => {
      question.failed = true;
      this.#options.log.error('a certificate could not be had', { hostname, error: messageOf(error) });
      return null;
    };
    try {
      const found = source.find(hostname);
      return found instanceof Promise ? found.catch(onError) : found;
    } catch (error) {
      return onError(error);
    }
  }

  #serve(question: Question, material: CertificateMaterial | null): ServedCertificate | null {
    if (material === null) return null;
    const { hostname } = question;
    if (material.notAfterMs <= this.#options.wall()) {
      this.#options.log.error('a certificate has expired', { hostname, names: material.names });
      return null;
    }
    const chain = digestOf(material.chain);
    let served = this.#byChain.get(chain);
    if (served === undefined) {
      try {
        served = new Served(material, this.#ticketKeys);
      } catch (error) {
        this.#options.log.error('a certificate cannot be served', { hostname, error: messageOf(error) });
        return null;
      }
      this.#byChain.set(chain, served);
    } else served.setTicketKeys(this.#ticketKeys);
    served.setStaple(material.staple ?? null);
    // Kept, it would go on standing in for what could not be had just now, or has changed meanwhile.
    if (!question.failed && question.changes === this.#changes) this.#served.set(hostname, served);
    return served;
  }
}

interface Question {
  readonly hostname: string;
  /** As many had been told when it was asked. */
  readonly changes: number;
  /** A source that comes before the one that answers could not be asked. */
  failed: boolean;
}

class Served implements ServedCertificate {
  readonly context: SecureContext;
  readonly notAfterMs: number;
  readonly #material: CertificateMaterial;
  readonly #names: ReadonlySet<string>;
  #ticketKeys: Buffer;
  #staple: CertificateStaple | null = null;
  /** By the digest of an authority. Made for the first client that is to be asked. */
  #asking: LRUCache<string, Served> | null = null;

  /** @param authority of the clients; null: they are asked for nothing */
  constructor(material: CertificateMaterial, ticketKeys: Buffer, authority: ClientAuthority | null = null) {
    this.notAfterMs = material.notAfterMs;
    this.#material = material;
    this.#names = new Set(material.names);
    this.#ticketKeys = ticketKeys;
    this.context = createSecureContext({
      cert: material.chain,
      key: material.key,
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      ciphers: CIPHERS,
      ecdhCurve: GROUPS,
      honorCipherOrder: true,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
      sessionTimeout: TICKET_LIFE_S,
      // A session is resumed for the names it was made for alone, and proves what its client proved to this authority.
      sessionIdContext: sessionContext(material.names, authority),
      // An intermediate authority may be the one that is trusted.
      ...(authority === null ? {} : { ca: [...authority.certificates], allowPartialTrustChain: true }),
    });
    applyTicketKeys(this.context, ticketKeys);
  }

  asking(authority: ClientAuthority): Served {
    this.#asking ??= new LRUCache({ max: ASKING_MAX });
    const known = this.#asking.get(authority.digest);
    if (known !== undefined) return known;
    const made = new Served(this.#material, this.#ticketKeys, authority);
    this.#asking.set(authority.digest, made);
    return made;
  }

  staple(now: number): Buffer | null {
    return this.#staple !== null && now < this.#staple.untilMs ? this.#staple.der : null;
  }

  setStaple(staple: CertificateStaple | null): void {
    this.#staple = staple;
  }

  setTicketKeys(keys: Buffer): void {
    this.#ticketKeys = keys;
    applyTicketKeys(this.context, keys);
    for (const served of this.#asking?.values() ?? []) served.setTicketKeys(keys);
  }

  covers(hostname: string): boolean {
    if (this.#names.has(hostname)) return true;
    const wildcard = wildcardOf(hostname);
    return wildcard !== null && this.#names.has(wildcard);
  }
}

function sessionContext(names: readonly string[], authority: ClientAuthority | null): string {
  const shown = [...names].sort().join(' ');
  const asked = authority === null ? '' : `\n${authority.digest}`;
  return digestOf(shown + asked).slice(0, SESSION_CONTEXT_CHARACTERS);
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** As `tls.Server.setTicketKeys` does for the one context of a server. */
function applyTicketKeys(context: SecureContext, keys: Buffer): void {
  (context.context as { setTicketKeys(keys: Buffer): void }).setTicketKeys(keys);
}
