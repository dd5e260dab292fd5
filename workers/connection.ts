/**
 * A worker's side of what is said with control: takes control's messages in order, greets every new control with what is
 * there from before, and goes on by itself while there is none.
 */
import type { Clock } from '#core/clock';
import type { Pool } from '#router/pool';
import { RouteTable } from '#router/route-table';
import type { Upstream } from '#router/upstream';
import { CountReporter } from './count-reporter.ts';
import { HeardLeases } from './heard-leases.ts';
import {
  type ChallengeChange,
  PROTOCOL,
  type TakenTokens,
  type ToControl,
  type ToWorker,
  type TrafficCounts,
} from './messages.ts';
import { Outbox } from './outbox.ts';
import { RemoteAdmitter } from './remote-admitter.ts';
import { TableCopy } from './table-copy.ts';

const LOOK_AGAIN_MS = 20;

export interface ConnectionOptions {
  readonly clock: Clock;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
  readonly post: (mail: readonly ToControl[]) => void;
  /** Null: nothing is counted yet. */
  readonly collect: () => TrafficCounts | null;
  /** Tokens that other workers took from rate buckets. */
  readonly onTaken: (taken: readonly TakenTokens[]) => void;
  readonly onChallenge: (change: ChallengeChange) => Promise<void>;
  /** Another certificate may be right for these names; null: for any. */
  readonly onCertificates: (names: readonly string[] | null) => void;
  /** A picture has come: `complete` when nothing of it is missing. */
  readonly onPicture: (complete: boolean) => void;
}

export class Connection {
  readonly table: RouteTable;
  readonly admitter: RemoteAdmitter;
  readonly #options: ConnectionOptions;
  readonly #outbox: Outbox<ToControl>;
  readonly #copy: TableCopy;
  readonly #reporter: CountReporter;
  readonly #leases: HeardLeases;
  #connected = false;
  /** Grows with every control that is greeted. */
  #controls = 0;

  constructor(options: ConnectionOptions) {
    const { clock, random, post } = options;
    this.#options = options;
    this.#outbox = new Outbox(post);
    this.table = new RouteTable({ clock, random, onPool: (pool) => this.#watch(pool) });
    this.#reporter = new CountReporter({ clock, report: (changes) => this.say({ kind: 'counts', changes }) });
    this.#leases = new HeardLeases(clock, (message) => this.say(message));
    this.#copy = new TableCopy({ table: this.table, reporter: this.#reporter });
    this.admitter = new RemoteAdmitter({
      clock,
      copy: this.#copy,
      reporter: this.#reporter,
      say: (message) => this.say(message),
    });
  }

  /** Says something to control; what is said to none is lost, and said again where that matters. */
  say(message: ToControl): void {
    if (this.#connected) this.#outbox.say(message);
  }

  /** A control listens that has not listened before. */
  greet(): void {
    this.part();
    this.#connected = true;
    this.#controls++;
    this.say({ kind: 'hello', protocol: PROTOCOL, carried: this.#copy.carry() });
    this.admitter.askAgain();
  }

  /** Control is gone. */
  part(): void {
    this.#outbox.flush();
    this.#connected = false;
    this.#reporter.alone();
  }

  take(mail: readonly ToWorker[]): void {
    for (const message of mail) this.#take(message);
    const isComplete = mail.some((one) => one.kind === 'complete');
    if (isComplete) this.#leases.tellAgain();
    this.#options.onPicture(isComplete);
  }

  #take(message: ToWorker): void {
    switch (message.kind) {
      case 'admitted':
      case 'turned-down':
      case 'knocked':
        this.admitter.take(message);
        break;
      case 'clear':
        this.#clear(message.clearance, message.replica);
        break;
      case 'wanted': {
        const pool = this.table.pool(message.set);
        if (pool !== undefined) this.#reporter.want(pool, message.wanted);
        break;
      }
      case 'taken':
        this.#options.onTaken(message.taken);
        break;
      case 'challenge':
        void this.#show(message.round, message.change);
        break;
      case 'certificates':
        this.#options.onCertificates(message.names);
        break;
      case 'collect': {
        const counts = this.#options.collect();
        if (counts !== null) this.say({ kind: 'collected', round: message.round, counts });
        break;
      }
      default:
        this.#copy.take(message);
    }
  }

  async #show(round: number, change: ChallengeChange): Promise<void> {
    const control = this.#controls;
    try {
      await this.#options.onChallenge(change);
    } catch {
      // What cannot be shown is not said to be: the authority will tell whoever waits. Every worker would die of it.
      return;
    }
    // Another control means another round by this number.
    if (round > 0 && control === this.#controls) this.say({ kind: 'shown', round });
  }

  #clear(clearance: number, replica: string): void {
    const remaining = this.#copy.clear(replica);
    this.#reporter.flush();
    const busy = isBusy(remaining);
    this.say({ kind: 'cleared', clearance, busy });
    if (busy) this.#clearLater(clearance, remaining);
  }

  #clearLater(clearance: number, remaining: readonly Upstream[]): void {
    const control = this.#controls;
    this.#options.clock.after(LOOK_AGAIN_MS, () => {
      // Another control means another clearance by this number.
      if (control !== this.#controls) return;
      if (isBusy(remaining)) this.#clearLater(clearance, remaining);
      else this.say({ kind: 'cleared', clearance, busy: false });
    });
  }

  #watch(pool: Pool): void {
    this.#reporter.watch(pool);
    pool.watch({
      onLeased: (of, replica, forMs) => this.#leases.take(of, replica, forMs),
      onRemoved: ({ replica }) => this.#leases.forget(replica),
      onSuspect: (_pool, upstream) => {
        const id = this.#copy.idOf(upstream);
        if (id !== null) this.say({ kind: 'suspect', id });
        else if (this.#connected) this.#copy.suspect(upstream);
      },
    });
  }
}

function isBusy(upstreams: readonly Upstream[]): boolean {
  return upstreams.some((one) => one.inFlight > 0);
}
