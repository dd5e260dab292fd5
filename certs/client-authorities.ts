/**
 * The authorities of client certificates as an operator has put them into a folder: `<name>.pem` with one or more CA
 * certificates. Read again every few seconds; a file that cannot be used stays in force as it was, and what has never
 * been good is not there: nobody is let in by a file that could not be read.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from '#core/clock';
import { messageOf } from '#core/errors';
import type { Log } from '#core/log';
import { isName } from '#core/name';
import type { ClientAuthority, ClientAuthoritySource } from './client-authority.ts';

const REREAD_MS = 10_000;
const ENDING = '.pem';
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
/** More names than that in one request for a certificate are more than clients take. */
const CERTIFICATES_MAX = 64;

export interface ClientAuthoritiesOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Told once of each fault of each file. */
  readonly onRejected?: (file: string, fault: string) => void;
}

interface Kept {
  /** What it was read from; null: it could not be read. */
  readonly text: string | null;
  /** What is wrong with that text. */
  readonly fault: string | null;
  /** The last good form. */
  readonly authority: ClientAuthority | null;
}

export class ClientAuthorities implements ClientAuthoritySource {
  readonly #options: ClientAuthoritiesOptions;
  #kept = new Map<string, Kept>();
  /** Why the folder could not be read the last time. */
  #fault: string | null = null;
  #timer: Timer | null = null;
  #closed = false;

  private constructor(options: ClientAuthoritiesOptions) {
    this.#options = options;
  }

  /** Reads the folder for the first time. What is wrong with it is logged and may be put right later. */
  static async open(options: ClientAuthoritiesOptions): Promise<ClientAuthorities> {
    const authorities = new ClientAuthorities(options);
    await authorities.read();
    authorities.#readLater();
    return authorities;
  }

  find(name: string): ClientAuthority | null {
    return this.#kept.get(name)?.authority ?? null;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** Reads the folder now. */
  async read(): Promise<void> {
    const { directory, log } = this.#options;
    let files: readonly string[];
    try {
      files = await readdir(directory);
      this.#fault = null;
    } catch (error) {
      // Without the folder there are none; in any other case nobody knows, and what was known stays.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') files = [];
      else {
        const fault = messageOf(error);
        if (fault !== this.#fault) log.error('the folder of client authorities cannot be read', { directory, fault });
        this.#fault = fault;
        return;
      }
    }
    const kept = new Map<string, Kept>();
    for (const file of files) {
      const name = file.endsWith(ENDING) ? file.slice(0, -ENDING.length) : '';
      if (isName(name)) kept.set(name, await this.#look(name, join(directory, file)));
    }
    if (this.#closed) return;
    for (const [name, { authority }] of this.#kept) {
      if (authority !== null && !kept.has(name)) log.warn('a client authority is gone', { directory, name });
    }
    this.#kept = kept;
  }

  async #look(name: string, file: string): Promise<Kept> {
    const before = this.#kept.get(name) ?? null;
    let text: string | null = null;
    let fault: string;
    try {
      text = await readFile(file, 'utf8');
      if (before !== null && before.text === text) return before;
      const authority = readAuthority(name, text);
      this.#options.log.info('a client authority was read', { file, certificates: authority.certificates.length });
      return { text, fault: null, authority };
    } catch (error) {
      fault = messageOf(error);
    }
    if (before === null || before.fault !== fault) {
      this.#options.log.error('a client authority cannot be used', { file, fault });
      this.#options.onRejected?.(file, fault);
    }
    return { text, fault, authority: before?.authority ?? null };
  }

  #readLater(): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.after(REREAD_MS, () => void this.read().then(() => this.#readLater()));
  }
}

/** @throws Error that says what is wrong with the text */
function readAuthority(name: string, text: string): ClientAuthority {
  if (/PRIVATE KEY-----/.test(text)) throw new Error('it holds a private key, which has no place here');
  const found = text.match(CERTIFICATE) ?? [];
  if (found.length === 0) throw new Error('it holds no certificate (PEM)');
  if (found.length > CERTIFICATES_MAX) throw new Error(`it holds more than ${CERTIFICATES_MAX} certificates`);
  const byPrint = new Map<string, string>();
  for (const [index, pem] of found.entries()) {
    const { ca, fingerprint256 } = parsed(pem, index + 1);
    if (!ca) throw new Error(`certificate ${index + 1} is not that of an authority (basicConstraints CA)`);
    byPrint.set(fingerprint256, pem);
  }
  const prints = [...byPrint.keys()].sort().join(' ');
  return { name, certificates: [...byPrint.values()], digest: createHash('sha256').update(prints).digest('hex') };
}

function parsed(pem: string, number: number): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new Error(`certificate ${number} cannot be read: ${messageOf(error)}`);
  }
}
