/**
 * A gateway worker: serves by its own copy of the table and asks control for the rest. It ends when it is told to drain,
 * and at once when its supervisor is gone.
 */
import type { Clock } from '#core/clock';
import { messageOf } from '#core/errors';
import type { Log } from '#core/log';
import type { Gateway } from '#gateway/gateway';
import type { Admitter } from '#router/admission';
import type { Pool } from '#router/pool';
import type { RouteTable } from '#router/route-table';
import { Connection } from './connection.ts';
import type { ChallengeChange } from './messages.ts';
import type { Order, Report } from './roles.ts';
import { SharedRates } from './shared-rates.ts';

/** What is in flight when the worker is told to drain gets this long. */
const GRACE_MS = 30_000;
/** Where others accept in its place, clients that have just connected get so long to send what they came for. */
const LINGER_MS = 2000;

/** A gateway that is not open yet. */
export interface Serving {
  readonly gateway: Gateway;
  /** Another certificate may be right for these names; null: for any. */
  readonly forgetCertificates: (names: readonly string[] | null) => void;
  readonly listen: () => Promise<void>;
  /** After the gateway has closed. */
  readonly close: () => Promise<void>;
}

export interface WorkerProcessOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly open: (parts: {
    readonly table: RouteTable;
    readonly admitter: Admitter;
    readonly onTaken: (pool: Pool, key: string) => void;
    readonly onUncertified: (hostname: string) => void;
  }) => Promise<Serving>;
  readonly report: (report: Report) => void;
  readonly exit: (code: number) => void;
}

export class WorkerProcess {
  readonly #options: WorkerProcessOptions;
  readonly #connection: Connection;
  readonly #serving: Promise<Serving>;
  #gateway: Gateway | null = null;
  /** Of the control that is listened to; 0: there is none. */
  #epoch = 0;
  #early = false;
  #fed = false;
  #listening = false;
  #draining = false;

  constructor(options: WorkerProcessOptions) {
    const { clock, report, open } = options;
    this.#options = options;
    this.#connection = new Connection({
      clock,
      random: Math.random,
      post: (mail) => report({ type: 'ask', epoch: this.#epoch, mail }),
      collect: () => this.#gateway?.collect() ?? null,
      onTaken: (taken) => {
        for (const { set, key, tokens } of taken) {
          const pool = this.#connection.table.pool(set);
          if (pool !== undefined) this.#gateway?.charge(pool, key, tokens);
        }
      },
      onChallenge: (change) => this.#show(change),
      onCertificates: (names) => this.#forget(names),
      onPicture: (complete) => this.#pictured(complete),
    });
    const { table, admitter } = this.#connection;
    const rates = new SharedRates({ clock, tell: (taken) => this.#connection.say({ kind: 'taken', taken }) });
    this.#serving = open({
      ...{ table, admitter },
      onTaken: (pool, key) => rates.taken(pool, key),
      onUncertified: (hostname) => this.#connection.say({ kind: 'uncertified', hostname }),
    });
    this.#serving.then(
      ({ gateway }) => {
        this.#gateway = gateway;
        report({ type: 'booted' });
      },
      (error: unknown) => report({ type: 'failed', words: messageOf(error) }),
    );
  }

  take(order: Order): void {
    switch (order.type) {
      case 'control-here':
        // What is still to be said is meant for the control that was there before.
        this.#connection.part();
        this.#epoch = order.epoch;
        this.#connection.greet();
        break;
      case 'control-gone':
        this.#connection.part();
        this.#epoch = 0;
        break;
      case 'listen-early':
        this.#early = true;
        if (this.#fed) void this.#listen();
        break;
      case 'to-worker':
        if (order.epoch === this.#epoch) this.#connection.take(order.mail);
        break;
      case 'drain':
        void this.#drain(order.successor);
        break;
      default:
    }
  }

  /** What has not opened has nothing to forget, and its failure is told elsewhere. */
  #forget(names: readonly string[] | null): void {
    this.#serving.then(
      ({ forgetCertificates }) => forgetCertificates(names),
      () => {},
    );
  }

  async #show(change: ChallengeChange): Promise<void> {
    const { challenges } = (await this.#serving).gateway;
    if (change.type === 'http') {
      const { token, authorization } = change;
      if (authorization === null) challenges.hideHttp(token);
      else await challenges.showHttp(token, authorization);
    } else {
      const { hostname, certificate } = change;
      if (certificate === null) challenges.hideTls(hostname);
      else await challenges.showTls(hostname, certificate);
    }
  }

  #pictured(complete: boolean): void {
    this.#fed = true;
    if (complete || this.#early) void this.#listen();
  }

  async #listen(): Promise<void> {
    if (this.#listening || this.#draining) return;
    this.#listening = true;
    try {
      await (await this.#serving).listen();
      this.#options.report({ type: 'serving' });
    } catch (error) {
      this.#options.report({ type: 'failed', words: messageOf(error) });
    }
  }

  async #drain(successor: boolean): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    await this.#gateway?.close({ graceMs: GRACE_MS, lingerMs: successor ? LINGER_MS : 0 });
    await (await this.#serving).close();
    this.#options.exit(0);
  }
}
