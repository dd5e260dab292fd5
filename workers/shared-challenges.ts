/**
 * Control's board of challenges: every worker shows what stands on it, one that comes later included, before a certificate
 * authority is told to come.
 */
import type { ChallengeBoard, ChallengeCertificate } from '#certs/challenges';
import type { Clock, Timer } from '#core/clock';
import type { ChallengeChange, ToWorker } from './messages.ts';

/** A worker that does not say so within this time is not waited for: its watchdog ends it if it hangs. */
const SHOWN_WITHIN_MS = 5000;

export interface SharedChallengesOptions {
  readonly clock: Clock;
  /** Says it to every worker that has been told the picture. */
  readonly sayToAll: (message: ToWorker) => void;
  readonly workers: () => Iterable<number>;
}

interface Round {
  readonly waiting: Set<number>;
  readonly done: () => void;
  readonly timer: Timer;
}

export class SharedChallenges implements ChallengeBoard {
  readonly #options: SharedChallengesOptions;
  /** What stands on the board now. */
  readonly #shown = new Map<string, ChallengeChange>();
  readonly #rounds = new Map<number, Round>();
  #last = 0;

  constructor(options: SharedChallengesOptions) {
    this.#options = options;
  }

  showHttp(token: string, authorization: string): Promise<void> {
    return this.#show(`http ${token}`, { type: 'http', token, authorization });
  }

  hideHttp(token: string): void {
    this.#hide(`http ${token}`, { type: 'http', token, authorization: null });
  }

  showTls(hostname: string, certificate: ChallengeCertificate): Promise<void> {
    return this.#show(`tls ${hostname}`, { type: 'tls', hostname, certificate });
  }

  hideTls(hostname: string): void {
    this.#hide(`tls ${hostname}`, { type: 'tls', hostname, certificate: null });
  }

  /** The whole board, for a worker that has just come. */
  *whole(): Generator<ToWorker> {
    for (const change of this.#shown.values()) yield { kind: 'challenge', round: 0, change };
  }

  answered(worker: number, round: number): void {
    const open = this.#rounds.get(round);
    if (open === undefined) return;
    open.waiting.delete(worker);
    if (open.waiting.size === 0) this.#end(round, open);
  }

  /** The worker is gone. */
  leave(worker: number): void {
    for (const round of [...this.#rounds.keys()]) this.answered(worker, round);
  }

  close(): void {
    for (const [number, round] of [...this.#rounds]) this.#end(number, round);
  }

  #show(key: string, change: ChallengeChange): Promise<void> {
    const { clock, sayToAll, workers } = this.#options;
    this.#shown.set(key, change);
    const round = ++this.#last;
    const waiting = new Set(workers());
    sayToAll({ kind: 'challenge', round, change });
    if (waiting.size === 0) return Promise.resolve();
    return new Promise((done) => {
      const open: Round = { waiting, done, timer: clock.after(SHOWN_WITHIN_MS, () => this.#end(round, open)) };
      this.#rounds.set(round, open);
    });
  }

  #hide(key: string, change: ChallengeChange): void {
    if (this.#shown.delete(key)) this.#options.sayToAll({ kind: 'challenge', round: 0, change });
  }

  #end(number: number, { timer, done }: Round): void {
    this.#rounds.delete(number);
    timer.cancel();
    done();
  }
}
