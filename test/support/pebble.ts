/** A real certificate authority (Pebble) with a DNS of its own (pebble-challtestsrv), on free ports, gone after the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { testAuthority } from '#test/certs/certificate-authority';
import { killed } from './child-end.ts';
import { until } from './until.ts';

const START_MS = 30_000;

export interface PebbleOptions {
  /** Where it comes to validate, on every address the names resolve to. */
  readonly httpPort: number;
  readonly tlsPort?: number;
  /** It does not come to validate: every answer is right. */
  readonly alwaysValid?: boolean;
  /** Percent of nonces that it refuses. */
  readonly nonceReject?: number;
  readonly eab?: { readonly kid: string; readonly hmac: string };
  /** Seconds; its own default is five years. */
  readonly validityS?: number;
  /** `ip:port` of the DNS that it asks; its own if not given. */
  readonly dns?: string;
}

export class Pebble implements AsyncDisposable {
  readonly directory: string;
  /** PEM of the root that its API is signed by. */
  readonly root: string;
  /** `ip:port` of the DNS that it asks. */
  readonly dns: string;
  readonly #folder: string;
  readonly #programs: readonly ChildProcess[];
  readonly #dnsUrl: string;
  readonly #managementPort: number;
  #output = '';

  private constructor(start: {
    folder: string;
    programs: readonly ChildProcess[];
    ports: readonly number[];
    root: string;
    asked: string;
  }) {
    const [api = 0, management = 0, , dnsApi = 0] = start.ports;
    this.#folder = start.folder;
    this.#programs = start.programs;
    this.root = start.root;
    this.directory = `https://localhost:${api}/dir`;
    this.dns = start.asked;
    this.#dnsUrl = `http://127.0.0.1:${dnsApi}`;
    this.#managementPort = management;
    for (const { stdout, stderr } of start.programs) {
      for (const stream of [stdout, stderr]) {
        stream?.setEncoding('utf8').on('data', (text: string) => {
          this.#output += text;
        });
      }
    }
  }

  static async start(options: PebbleOptions): Promise<Pebble> {
    const folder = mkdtempSync(path.join(tmpdir(), 'tidegate-pebble-'));
    const ports = await freePorts(4);
    const [api = 0, management = 0, dns = 0, dnsApi = 0] = ports;
    const asked = options.dns ?? `127.0.0.1:${dns}`;
    const authority = testAuthority();
    const { chain, key } = authority.issue(['localhost']);
    const file = (name: string, text: string): string => {
      writeFileSync(path.join(folder, name), text);
      return path.join(folder, name);
    };
    const { eab } = options;
    const config = {
      pebble: {
        listenAddress: `127.0.0.1:${api}`,
        managementListenAddress: `127.0.0.1:${management}`,
        certificate: file('cert.pem', chain),
        privateKey: file('key.pem', key),
        httpPort: options.httpPort,
        tlsPort: options.tlsPort ?? 1,
        ocspResponderURL: '',
        externalAccountBindingRequired: eab !== undefined,
        ...(eab === undefined ? {} : { externalAccountMACKeys: { [eab.kid]: eab.hmac } }),
        ...(options.validityS === undefined ? {} : { certificateValidityPeriod: options.validityS }),
      },
    };
    const programs = [
      spawn('pebble-challtestsrv', [
        ...['-defaultIPv4', '127.0.0.1', '-defaultIPv6', '', '-http01', '', '-https01', '', '-tlsalpn01', ''],
        ...['-dns01', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${dnsApi}`],
      ]),
      spawn('pebble', ['-config', file('pebble.json', JSON.stringify(config)), '-dnsserver', asked], {
        env: {
          ...process.env,
          PEBBLE_VA_NOSLEEP: '1',
          PEBBLE_WFE_NONCEREJECT: String(options.nonceReject ?? 5),
          PEBBLE_AUTHZREUSE: '0',
          ...(options.alwaysValid === true ? { PEBBLE_VA_ALWAYS_VALID: '1' } : {}),
        },
      }),
    ];
    const pebble = new Pebble({ folder, programs, ports, root: authority.certificate, asked });
    try {
      await until(() => pebble.#get('/roots/0'), { what: 'Pebble answers', timeoutMs: START_MS });
      await until(() => pebble.#dnsCall('clear-txt', { host: 'nobody.' }), { what: 'its DNS answers' });
    } catch (error) {
      await pebble[Symbol.asyncDispose]();
      throw new Error(`${String(error)}\n${pebble.#output}`, { cause: error });
    }
    return pebble;
  }

  /** PEM of the root that its certificates go back to. */
  issuingRoot(): Promise<string> {
    return this.#get('/roots/0');
  }

  /** Orders that it was asked for. */
  get orderCount(): number {
    return this.#output.split('Added order ').length - 1;
  }

  setA(hostname: string, addresses: readonly string[]): Promise<boolean> {
    return this.#dnsCall('add-a', { host: `${hostname}.`, addresses });
  }

  setTxt(name: string, value: string): Promise<boolean> {
    return this.#dnsCall('set-txt', { host: `${name}.`, value });
  }

  /** All values of the name. */
  clearTxt(name: string): Promise<boolean> {
    return this.#dnsCall('clear-txt', { host: `${name}.` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#programs.map(killed));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #dnsCall(what: string, body: unknown): Promise<boolean> {
    const answer = await fetch(`${this.#dnsUrl}/${what}`, { method: 'POST', body: JSON.stringify(body) });
    return answer.ok;
  }

  #get(target: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const agent = new Agent({ ca: this.root });
      request({ host: 'localhost', port: this.#managementPort, path: target, agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('end', () => resolve(text));
      })
        .on('error', reject)
        .end();
    });
  }
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  return Promise.all(
    servers.map(async (server) => {
      const address = server.address();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      return typeof address === 'object' && address !== null ? address.port : 0;
    }),
  );
}
