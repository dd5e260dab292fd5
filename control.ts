/**
 * The control process: everything but the traffic. It acts when it is told to begin, and stops acting without touching a
 * container when it is told to hand over; told to begin again it does.
 */
import type { Config } from '#core/config';
import { ERRORS, isTidegateError, messageOf } from '#core/errors';
import type { ListenAddress } from '#core/settings';
import type { Fleet } from '#workers/fleet';
import type { Assignment, Order, Report } from '#workers/roles';
import { Tidegate } from './tidegate.ts';

export interface ControlOptions {
  readonly config: Config;
  readonly version: string;
  readonly assignment: Assignment;
  readonly report: (report: Report) => void;
  readonly writeLine: (line: string) => void;
  readonly exit: (code: number) => void;
}

export class Control {
  readonly #options: ControlOptions;
  #tidegate: Tidegate | null = null;
  #fleet: Fleet | null = null;
  #begun = 0;
  /** What the workers said before there was somebody to hear it. */
  #early: Extract<Order, { type: 'to-control' | 'worker-gone' }>[] = [];

  constructor(options: ControlOptions) {
    this.#options = options;
    options.report({ type: 'booted' });
  }

  take(order: Order): void {
    switch (order.type) {
      case 'begin':
        void this.#begin(order.workers, order.lost);
        break;
      case 'to-control':
        if (this.#fleet === null) this.#early.push(order);
        else this.#fleet.receive(order.worker, order.mail);
        break;
      case 'worker-started':
        this.#tidegate?.serves();
        this.#tidegate?.record({
          type: 'worker.started',
          cause: 'it accepts connections',
          data: { worker: order.n, pid: order.pid },
        });
        break;
      case 'worker-gone':
        if (this.#fleet === null) this.#early.push(order);
        else this.#fleet.leave(order.worker);
        if (order.crashed !== null) {
          this.#tidegate?.record({ type: 'worker.exited', cause: order.crashed, data: { worker: order.n } });
        }
        break;
      case 'hand-over':
        void this.#handOver();
        break;
      case 'ending':
        this.#tidegate?.endsSoon();
        break;
      case 'end':
        void this.#end(order.cause);
        break;
      default:
    }
  }

  /** @param lost how the control before this one ended; null: as it should, or there was none */
  async #begin(workers: readonly number[], lost: string | null): Promise<void> {
    const { config, version, writeLine, report } = this.#options;
    const tidegate = new Tidegate({
      config,
      version,
      writeLine,
      workers: {
        expected: workers,
        supervisor: process.ppid,
        admin: this.#adminListener(),
        post: (worker, mail) => report({ type: 'post', worker, mail }),
        giveUp: (worker, why) => report({ type: 'give-up', worker, why }),
        onFleet: (fleet) => this.#listenTo(fleet),
        onReady: () => report({ type: 'ready' }),
      },
    });
    this.#tidegate = tidegate;
    try {
      await tidegate.start();
      if (lost !== null) tidegate.record({ type: 'control.exited', cause: lost });
    } catch (error) {
      report({ type: 'failed', words: wordsOf(error) });
    }
  }

  /** Every time it begins another descriptor of the same socket. */
  #adminListener(): ListenAddress | null {
    const { listeners, spares = [] } = this.#options.assignment;
    const { admin = null } = listeners;
    const fd = this.#begun++ === 0 ? admin?.fd : spares[this.#begun - 2];
    return admin === null || fd === undefined ? admin : { ...admin, fd };
  }

  #listenTo(fleet: Fleet): void {
    this.#fleet = fleet;
    for (const order of this.#early.splice(0)) {
      if (order.type === 'to-control') fleet.receive(order.worker, order.mail);
      else fleet.leave(order.worker);
    }
  }

  async #handOver(): Promise<void> {
    const tidegate = this.#tidegate;
    this.#tidegate = null;
    this.#fleet = null;
    this.#early = [];
    await tidegate?.close('a new version takes over', true);
    this.#options.report({ type: 'handed-over' });
  }

  async #end(cause: string): Promise<void> {
    await this.#tidegate?.close(cause);
    this.#options.exit(0);
  }
}

/** What an operator can do something with. */
export function wordsOf(error: unknown): string {
  return isTidegateError(error) ? `${error.message} (${error.code})\n  ${ERRORS[error.code].fix}` : messageOf(error);
}
