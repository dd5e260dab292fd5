/** The command line against a real admin API on a port of its own: each run is one call of `runTide`, with its words kept. */
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import type { AdminPorts } from '#admin/ports';
import { startAdminServer } from '#admin/server';
import { runTide } from '#cli/run-tide';
import type { Source, World } from '#cli/world';
import type { Clock } from '#core/clock';
import { type CertificateGround, withVault } from '#test/admin/certificate-ground';
import { live, type Tidegate, TOKEN } from '#test/admin/tidegate';
import type { Platform } from '#test/apps/support/platform';
import { policy, replica, route, snapshot } from '#test/router/sample';
import { temporaryDirectory } from '#test/store/temporary';

const LOOPBACK = '127.0.0.1';
/** No command waits longer between two tries; deadlines are longer. */
const PAUSE_MAX_MS = 30_000;

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly done: Promise<Ran>;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Ctrl-C. */
  interrupt(): void;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What is on stdin. */
  readonly input?: string;
  /** Both ends are a terminal. */
  readonly terminal?: boolean;
  readonly fetch?: typeof fetch;
  /** Instead of the one that stands still: for what goes on in its own time. */
  readonly clock?: Clock;
}

export class TideGround {
  readonly url: string;
  readonly tidegate: Tidegate;
  readonly certificates: CertificateGround;
  /** Home and working directory of whoever runs it. */
  readonly home: string;
  readonly #pauses = new Set<object>();

  private constructor(url: string, certificates: CertificateGround, home: string) {
    this.url = url;
    this.certificates = certificates;
    this.tidegate = certificates.tidegate;
    this.home = home;
  }

  /** @param more parts of Tidegate that the test is about @param platform where apps run; null: it deploys none */
  static async start(
    t: TestContext,
    more: Partial<AdminPorts> = {},
    platform: Platform | null = null,
  ): Promise<TideGround> {
    const certificates = await withVault(t, { platform });
    const server = await startAdminServer({ ...certificates.tidegate.ports, ...more }, { host: LOOPBACK, port: 0 });
    t.after(() => server.close());
    return new TideGround(`http://${LOOPBACK}:${server.port}`, certificates, temporaryDirectory(t));
  }

  /** An app with a set that is up and a replica in it. */
  discover(app = 'shop', set = 'web'): void {
    const one = replica(`${app}-${set}-1`, { startedAt: new Date(this.tidegate.clock.wall() - 300_000).toISOString() });
    const scale = { ...policy().scale, min: 1, max: 4 };
    const routes = [route(`${app}.localhost`)];
    const facts = live({ replicas: [{ id: one.id, phase: 'ready', inFlight: 2 }] });
    this.tidegate.discover(
      snapshot(`default/${app}/${set}`, routes, { policy: policy({ scale }), replicas: [one] }),
      facts,
    );
  }

  /** With the operator's token, unless the environment says something else. */
  tide(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return this.begin(args, options).done;
  }

  begin(args: readonly string[], options: RunOptions = {}): Running {
    const { env, input = '', terminal = false, fetch: door = fetch, clock = this.#clock() } = options;
    const interrupted = new AbortController();
    let stdout = '';
    let stderr = '';
    const stdin: Source = Object.assign(Readable.from(input === '' ? [] : [Buffer.from(input)]), { isTTY: terminal });
    const world: World = {
      env: { TIDEGATE_URL: this.url, TIDEGATE_TOKEN: TOKEN, XDG_CONFIG_HOME: join(this.home, 'config'), ...env },
      directory: this.home,
      home: this.home,
      version: '9.9.9',
      stdin,
      stdout: { isTTY: terminal, write: (text) => (stdout += String(text)) },
      stderr: { isTTY: terminal, write: (text) => (stderr += String(text)) },
      fetch: door,
      clock,
      interrupted: interrupted.signal,
    };
    const done = runTide(args, world).then((code) => ({ code, stdout, stderr }));
    return { done, stdout: () => stdout, stderr: () => stderr, interrupt: () => interrupted.abort() };
  }

  /** Runs that wait before they go on; what only limits a request does not count. */
  get pauses(): number {
    return this.#pauses.size;
  }

  #clock(): Clock {
    const { clock } = this.tidegate;
    return {
      now: () => clock.now(),
      wall: () => clock.wall(),
      after: (delayMs, run) => {
        const key = {};
        if (delayMs <= PAUSE_MAX_MS) this.#pauses.add(key);
        const timer = clock.after(delayMs, () => {
          this.#pauses.delete(key);
          run();
        });
        return {
          cancel: () => {
            this.#pauses.delete(key);
            timer.cancel();
          },
        };
      },
    };
  }

  /** What the API itself says. */
  async api(path: string): Promise<unknown> {
    return (await this.tidegate.ask(path)).json();
  }
}

/** Lines without the spaces at their ends. */
export function linesOf(text: string): string[] {
  return text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trimEnd()]));
}
