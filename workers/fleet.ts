/**
 * The workers as control has them: each is told the whole picture when it says hello and every change after it, asks for
 * admission, and reports what it serves. Control's own pools count the sum, so the scaler works on them as if there were
 * one process; nothing is done to a replica before every worker has let go of it.
 */
import type { Clock, Timer } from '#core/clock';
import type { Log } from '#core/log';
import type { SetKey, SetSnapshot } from '#core/set';
import type { Admitter } from '#router/admission';
import type { Pool } from '#router/pool';
import type { RouteTable } from '#router/route-table';
import { Clearances } from './clearances.ts';
import { CountLedger } from './count-ledger.ts';
import { PROTOCOL, type ToControl, type ToWorker, type TrafficCounts } from './messages.ts';
import { Outbox } from './outbox.ts';
import { Picture } from './picture.ts';
import { RemoteRequests } from './remote-requests.ts';
import { SharedChallenges } from './shared-challenges.ts';
import { TrafficSums } from './traffic-sums.ts';

/** How often workers hear what the others have in flight. */
const ELSEWHERE_EVERY_MS = 50;
/** Messages of a whole picture that are sent as one. */
const CHUNK = 500;
/** Workers that served before this control are waited for so long before it acts. */
const GATHER_MS = 5000;
/** After everything is known, what only an earlier control named is given so long to be named again. */
const SWEEP_AFTER_MS = 5000;
const LOOK_AGAIN_MS = 1000;
/** A clearance of nothing: the answer alone counts, which comes after everything that was said before. */
const NO_REPLICA = '';

export interface FleetOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly table: RouteTable;
  readonly admitter: Admitter;
  readonly post: (worker: number, mail: readonly ToWorker[]) => void;
  /** Ends a worker that hangs or does not understand. */
  readonly giveUp: (worker: number, why: string) => void;
  /** Workers that serve by what an earlier control told them. */
  readonly expected: Iterable<number>;
  /** Whether control has seen all hosts with its own eyes: what it does not know is there no more. */
  readonly isWhole: () => boolean;
  /** A hostname that has a route is asked for over TLS and has no certificate. */
  readonly onUncertified: (hostname: string) => void;
}

export class Fleet {
  /** Resolves when every worker that serves already has said what it has in flight: nothing is to be done before. */
  readonly gathered: Promise<void>;
  /** What certificate authorities are answered. */
  readonly challenges: SharedChallenges;
  readonly #options: FleetOptions;
  readonly #outboxes = new Map<number, Outbox<ToWorker>>();
  readonly #expected: Set<number>;
  readonly #picture: Picture;
  readonly #ledger: CountLedger;
  readonly #requests: RemoteRequests;
  readonly #clearances: Clearances;
  readonly #sums: TrafficSums;
  readonly #timers = new Set<Timer>();
  #allHere: () => void = () => {};
  #complete = false;
  #swept = false;
  #willTell = false;
  #closed = false;

  constructor(options: FleetOptions) {
    const { clock, log, table, admitter } = options;
    this.#options = options;
    this.#ledger = new CountLedger(clock, () => this.#tellElsewhereSoon());
    this.#picture = new Picture({
      say: (message) => this.#sayToAll(message),
      onUp: (numbered) => this.#ledger.add(numbered),
      onDown: (numbered) => this.#ledger.retire(numbered),
    });
    const reply = (worker: number, message: ToWorker): void => this.#outboxes.get(worker)?.say(message);
    this.#requests = new RemoteRequests({
      ...{ clock, log, table, admitter, reply },
      ledger: this.#ledger,
      picture: this.#picture,
      sayToAll: (message) => this.#sayToAll(message),
    });
    this.#clearances = new Clearances({
      clock,
      ask: (worker, clearance, replica) => reply(worker, { kind: 'clear', clearance, replica }),
      giveUp: (worker) => options.giveUp(worker, 'it does not answer'),
    });
    this.challenges = new SharedChallenges({
      clock,
      sayToAll: (message) => this.#sayToAll(message),
      workers: () => this.#outboxes.keys(),
    });
    this.#sums = new TrafficSums({ clock, ask: (worker, round) => reply(worker, { kind: 'collect', round }) });
    this.#expected = new Set(options.expected);
    this.gathered = new Promise((resolve) => {
      this.#allHere = resolve;
    });
    if (this.#expected.size === 0) this.#allHere();
    else this.#in(GATHER_MS, () => this.#missing());
  }

  /** A pool came into being. */
  watch(pool: Pool): void {
    this.#picture.watch(pool);
  }

  apply(snapshot: Pick<SetSnapshot, 'key' | 'policy' | 'routes'>): void {
    this.#picture.apply(snapshot);
    this.#requests.learnt(false);
  }

  remove(key: SetKey): void {
    this.#picture.remove(key);
  }

  /**
   * Everything that can be found has been found. What workers know beyond it is over as well, unless a host does not answer:
   * then it is left to serve for as long as it does.
   */
  complete(): void {
    this.#complete = true;
    this.#requests.learnt(true);
    this.#sayToAll({ kind: 'complete' });
    this.#in(SWEEP_AFTER_MS, () => this.#sweep());
  }

  /** Resolves when no worker gives the replica anything new, with all in flight counted. Null: there are no workers. */
  clear(replica: string): Promise<void> | null {
    return this.#clearances.open(replica, this.#outboxes.keys());
  }

  /**
   * Resolves when every worker goes by all that was said to it before this call: no request that comes after goes by an
   * older table or older weights. A worker that does not say so in time is ended, so it always does.
   */
  async settled(): Promise<void> {
    await this.gathered;
    await this.#clearances.open(NO_REPLICA, this.#outboxes.keys());
  }

  /** Another certificate may be right for these names; null: for any. */
  tellCertificates(names: readonly string[] | null): void {
    this.#sayToAll({ kind: 'certificates', names });
  }

  collect(): Promise<TrafficCounts> {
    return this.#sums.collect(this.#outboxes.keys(), (set) => this.#options.table.pool(set as SetKey) !== undefined);
  }

  receive(worker: number, mail: readonly ToControl[]): void {
    if (this.#closed) return;
    for (const message of mail) {
      if (message.kind === 'hello') this.#welcome(worker, message);
      // What a worker said before it knew of this control was not meant for it.
      else if (this.#outboxes.has(worker)) this.#take(worker, message);
    }
  }

  /** The worker is gone: what it had in flight is over. */
  leave(worker: number): void {
    this.#outboxes.delete(worker);
    this.#requests.leave(worker);
    this.#ledger.leave(worker);
    this.#clearances.leave(worker);
    this.#sums.leave(worker);
    this.challenges.leave(worker);
    this.#arrived(worker);
  }

  /** From now on nothing is said to the workers any more: what they asked for they will ask the next control. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) timer.cancel();
    this.#requests.close();
    this.#clearances.close();
    this.challenges.close();
    this.#outboxes.clear();
  }

  #welcome(worker: number, { protocol, carried }: Extract<ToControl, { kind: 'hello' }>): void {
    const { post, giveUp, table } = this.#options;
    if (protocol !== PROTOCOL) {
      giveUp(worker, `it speaks protocol ${protocol}, and control ${PROTOCOL}`);
      return;
    }
    if (this.#outboxes.has(worker)) {
      // What it had would be counted twice.
      giveUp(worker, 'it greeted twice');
      return;
    }
    this.#ledger.carry(worker, carried);
    // Before it serves, which may be after the first chunk, and whatever it knew of certificates before.
    let chunk: ToWorker[] = [{ kind: 'certificates', names: null }, ...this.challenges.whole()];
    for (const message of this.#picture.whole(table.conflicts())) {
      if (chunk.push(message) < CHUNK) continue;
      post(worker, chunk);
      chunk = [];
    }
    for (const set of this.#requests.wanted()) chunk.push({ kind: 'wanted', set, wanted: true });
    if (this.#complete) chunk.push({ kind: 'complete' });
    if (this.#swept) chunk.push({ kind: 'sweep' });
    post(worker, chunk);
    this.#outboxes.set(worker, new Outbox((mail) => post(worker, mail)));
    this.#arrived(worker);
  }

  #take(worker: number, message: Exclude<ToControl, { kind: 'hello' }>): void {
    switch (message.kind) {
      case 'counts':
        this.#ledger.note(worker, message.changes);
        break;
      case 'cleared':
        this.#clearances.answered(worker, message.clearance, message.busy);
        break;
      case 'admit':
        this.#requests.admit(worker, message);
        break;
      case 'cancel':
        this.#requests.cancel(worker, message.request);
        break;
      case 'knock':
        void this.#requests.knock(worker, message.request, message.set);
        break;
      case 'suspect': {
        const numbered = this.#ledger.find(message.id);
        numbered?.pool.suspect(numbered.upstream);
        break;
      }
      case 'leased':
        this.#options.table.pool(message.set)?.lease(message.replica, message.forMs);
        break;
      case 'taken':
        for (const [other, outbox] of this.#outboxes) if (other !== worker) outbox.say(message);
        break;
      case 'shown':
        this.challenges.answered(worker, message.round);
        break;
      case 'uncertified':
        this.#options.onUncertified(message.hostname);
        break;
      case 'collected':
        this.#sums.answered(worker, message.round, message.counts);
        break;
    }
  }

  #arrived(worker: number): void {
    this.#expected.delete(worker);
    if (this.#expected.size === 0) this.#allHere();
  }

  #missing(): void {
    for (const worker of [...this.#expected]) this.#options.giveUp(worker, 'it did not greet the new control');
  }

  #sweep(): void {
    this.#swept = this.#options.isWhole();
    if (this.#swept) this.#sayToAll({ kind: 'sweep' });
    else this.#in(LOOK_AGAIN_MS, () => this.#sweep());
  }

  /** With the next beat. While nothing changes there is none, and nothing wakes this process. */
  #tellElsewhereSoon(): void {
    if (this.#willTell || this.#closed) return;
    this.#willTell = true;
    const delayMs = ELSEWHERE_EVERY_MS - (this.#options.clock.now() % ELSEWHERE_EVERY_MS);
    this.#in(delayMs, () => this.#tellElsewhere());
  }

  #tellElsewhere(): void {
    this.#willTell = false;
    for (const [worker, counts] of this.#ledger.elsewhere(this.#outboxes.keys())) {
      this.#outboxes.get(worker)?.say({ kind: 'elsewhere', counts });
    }
  }

  #in(delayMs: number, run: () => void): void {
    const timer = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(timer);
      run();
    });
    this.#timers.add(timer);
  }

  #sayToAll(message: ToWorker): void {
    for (const outbox of this.#outboxes.values()) outbox.say(message);
  }
}
