/** A real authoritative name server (BIND's named) on a free port of loopback, with zones that a TSIG key may update. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { killed } from './child-end.ts';
import { freePorts } from './pebble.ts';
import { until } from './until.ts';

const START_MS = 30_000;
const TRIES = 3;
const PROGRAM = '/usr/sbin/named';
const ALGORITHMS = ['hmac-sha256', 'hmac-sha384', 'hmac-sha512'] as const;

export interface NamedOptions {
  /** Zones in which every key may write TXT records, and nothing else. */
  readonly zones: readonly string[];
  /** Zones that no key may update. */
  readonly fixedZones?: readonly string[];
  /** Further lines of zone files, by zone. */
  readonly records?: Readonly<Record<string, string>>;
}

export class Named implements AsyncDisposable {
  readonly port: number;
  /** Base64, of the keys `hmac-sha256`, `hmac-sha384` and `hmac-sha512`, which are named like their algorithms. */
  readonly secret = randomBytes(48).toString('base64');
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'tidegate-named-'));
  readonly #program: ChildProcess;
  readonly #resolver = new Resolver({ timeout: 2000, tries: 3 });
  #output = '';

  private constructor(port: number, { zones, fixedZones = [], records = {} }: NamedOptions) {
    this.port = port;
    const keys = ALGORITHMS.map((name) => `key "${name}" { algorithm ${name}; secret "${this.secret}"; };`);
    const grants = ALGORITHMS.map((name) => `grant ${name} zonesub TXT;`);
    const zone = (name: string, allowed: string): string => {
      const file = this.#file(
        `${name}.zone`,
        `$TTL 60\n@ SOA ns.${name}. ops.${name}. 1 3600 600 86400 60\n@ NS ns.${name}.\nns A 127.0.0.1\n${records[name] ?? ''}\n`,
      );
      return `zone "${name}" { type primary; file "${file}"; ${allowed} };`;
    };
    const config = this.#file(
      'named.conf',
      `options {
        directory "${this.#folder}";
        listen-on port ${port} { 127.0.0.1; };
        listen-on-v6 { none; };
        pid-file none; lock-file none; session-keyfile none;
        recursion no; dnssec-validation no; empty-zones-enable no; notify no;
      };
      controls { };
      ${keys.join('\n')}
      ${zones.map((name) => zone(name, `update-policy { ${grants.join(' ')} };`)).join('\n')}
      ${fixedZones.map((name) => zone(name, 'allow-update { none; };')).join('\n')}\n`,
    );
    // A copy: where AppArmor confines the installed one, it may not read files of ours.
    const program = path.join(this.#folder, 'named');
    copyFileSync(PROGRAM, program);
    this.#program = spawn(program, ['-g', '-n', '1', '-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#program.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    this.#resolver.setServers([this.dns]);
  }

  static async start(options: NamedOptions): Promise<Named> {
    for (let tries = 1; ; tries++) {
      const [port = 0] = await freePorts(1);
      const named = new Named(port, options);
      try {
        await until(async () => named.#hasEnded() || (await named.#answers(options)), {
          ...{ what: 'named answers', timeoutMs: START_MS },
        });
        if (!named.#hasEnded()) return named;
        throw new Error('named has ended');
      } catch (error) {
        await named[Symbol.asyncDispose]();
        // The port was free for TCP a moment ago, but perhaps not for UDP.
        if (tries === TRIES) throw new Error(`${String(error)}\n${named.#output}`, { cause: error });
      }
    }
  }

  /** `ip:port`. */
  get dns(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** What it serves there, sorted. */
  async txt(name: string): Promise<string[]> {
    try {
      return (await this.#resolver.resolveTxt(name)).map((strings) => strings.join('')).sort();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOTFOUND' || code === 'ENODATA') return [];
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await killed(this.#program);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #hasEnded(): boolean {
    return this.#program.exitCode !== null || this.#program.signalCode !== null;
  }

  async #answers({ zones: [zone = ''] }: NamedOptions): Promise<boolean> {
    return (await this.#resolver.resolve4(`ns.${zone}`)).length > 0;
  }

  #file(name: string, text: string): string {
    writeFileSync(path.join(this.#folder, name), text);
    return path.join(this.#folder, name);
  }
}
