/**
 * Certificates an operator has put into a folder: `<hostname>.crt` beside `<hostname>.key`, or a folder with
 * `fullchain.pem` and `privkey.pem`, as ACME clients write them. Read again every few seconds; one that became unreadable
 * stays in force as it was.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from '#core/clock';
import { messageOf } from '#core/errors';
import type { Log } from '#core/log';
import { type CertificateMaterial, type MaterialSource, readMaterial, wildcardOf } from './material.ts';

const REREAD_MS = 10_000;

export interface OwnCertificatesOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Something is served differently from now on. */
  readonly onChange: () => void;
}

interface Pair {
  readonly chain: string;
  readonly key: string;
}

export class OwnCertificates implements MaterialSource {
  readonly #options: OwnCertificatesOptions;
  /** By the file of the certificate. */
  #kept = new Map<string, { readonly pair: Pair; readonly material: CertificateMaterial | null }>();
  #byName = new Map<string, CertificateMaterial>();
  #timer: Timer | null = null;
  #closed = false;

  private constructor(options: OwnCertificatesOptions) {
    this.#options = options;
  }

  /** Reads the folder for the first time. What is wrong with it is logged and may be put right later. */
  static async open(options: OwnCertificatesOptions): Promise<OwnCertificates> {
    const own = new OwnCertificates(options);
    await own.read();
    own.#readLater();
    return own;
  }

  find(hostname: string): CertificateMaterial | null {
    const exact = this.#byName.get(hostname);
    if (exact !== undefined) return exact;
    const wildcard = wildcardOf(hostname);
    return (wildcard === null ? undefined : this.#byName.get(wildcard)) ?? null;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** Reads the folder now. */
  async read(): Promise<void> {
    let places: readonly Pair[];
    try {
      places = await placesIn(this.#options.directory);
    } catch (error) {
      const { directory, log } = this.#options;
      log.warn('the folder of certificates cannot be read', { directory, error: messageOf(error) });
      return;
    }
    const kept = new Map<string, { readonly pair: Pair; readonly material: CertificateMaterial | null }>();
    let changed = places.length !== this.#kept.size;
    for (const place of places) {
      const before = this.#kept.get(place.chain);
      const now = await this.#look(place, before);
      if (now === null) continue;
      if (now !== before) changed = true;
      kept.set(place.chain, now);
    }
    if (!changed || this.#closed) return;
    this.#kept = kept;
    this.#byName = new Map();
    for (const { material } of kept.values()) if (material !== null) this.#index(material);
    this.#options.onChange();
  }

  /** Of two certificates for one name the one that lasts longer is served. */
  #index(material: CertificateMaterial): void {
    for (const name of material.names) {
      const other = this.#byName.get(name);
      if (other === undefined || other.notAfterMs < material.notAfterMs) this.#byName.set(name, material);
    }
  }

  async #look(
    place: Pair,
    before: { readonly pair: Pair; readonly material: CertificateMaterial | null } | undefined,
  ): Promise<{ readonly pair: Pair; readonly material: CertificateMaterial | null } | null> {
    try {
      const [chain, key] = await Promise.all([readFile(place.chain, 'utf8'), readFile(place.key, 'utf8')]);
      const pair = { chain, key };
      if (before?.pair.chain === chain && before.pair.key === key) return before;
      return this.#parse(place, pair, before?.material ?? null);
    } catch (error) {
      this.#complain(place, error);
      return before ?? null;
    }
  }

  #parse(
    place: Pair,
    pair: Pair,
    before: CertificateMaterial | null,
  ): { pair: Pair; material: CertificateMaterial | null } {
    try {
      return { pair, material: readMaterial(pair.chain, pair.key) };
    } catch (error) {
      this.#complain(place, error);
      return { pair, material: before };
    }
  }

  #complain(place: Pair, error: unknown): void {
    this.#options.log.warn('a certificate cannot be used', { file: place.chain, error: messageOf(error) });
  }

  #readLater(): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.after(REREAD_MS, () => void this.read().then(() => this.#readLater()));
  }
}

/** Files that belong together. */
async function placesIn(directory: string): Promise<Pair[]> {
  const places: Pair[] = [];
  const entries = await readdir(directory, { withFileTypes: true });
  const names = new Set(entries.map((entry) => entry.name));
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.name.endsWith('.crt')) {
      const key = entry.name.replace(/\.crt$/, '.key');
      if (names.has(key)) places.push({ chain: path, key: join(directory, key) });
    } else if (entry.isDirectory()) {
      const inside = await readdir(path);
      if (!inside.includes('fullchain.pem') || !inside.includes('privkey.pem')) continue;
      places.push({ chain: join(path, 'fullchain.pem'), key: join(path, 'privkey.pem') });
    }
  }
  return places;
}
