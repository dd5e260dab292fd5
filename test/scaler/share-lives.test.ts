/**
 * Random lives of a set that the API deploys: deployments come and go, requests, time, changes of scale, and in half of
 * them people, faults and a discovery that is late. A life is the same whenever it has the same seed.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { RevisionShare, SetKey } from '#core/set';
import { seeded } from '#test/router/sample';
import { type FakeContainer, isUp } from './support/fake-world.ts';
import { type Ask, noOverride, Rig } from './support/rig.ts';

const STEPS = 60;
const LONGEST_REQUEST_MS = 2000;
const DRAIN_MS = 10_000;
const WAKE_TIMEOUT_MS = 20_000;
/** No back-off is longer, and no replica sleeps later. */
const CALM_DOWN_MS = 200_000;
/** Four of a set, and the first of another revision. */
const MAKES_AT_ONCE = 5;

interface Claim {
  readonly ask: Ask;
  readonly askedAt: number;
}

class Life {
  readonly #rig: Rig;
  readonly #key: SetKey;
  readonly #calm: boolean;
  readonly #random: () => number;
  readonly #claims: Claim[] = [];
  readonly #violations: string[] = [];
  readonly #history: string[] = [];
  #shares: readonly RevisionShare[] = [];
  #newest = 1;

  constructor(seed: number, calm: boolean) {
    this.#random = seeded(seed);
    this.#calm = calm;
    this.#rig = new Rig({ seed });
    const min = this.#pick([0, 0, 1, 2]);
    this.#key = this.#rig.set('web', {
      ...{ drainMs: DRAIN_MS, wakeTimeoutMs: WAKE_TIMEOUT_MS },
      scale: {
        ...{ min, max: 4 },
        pauseMs: this.#pick([null, 200]),
        sandboxMs: this.#pick([null, 100, 500]),
        stopMs: this.#pick([null, 1000]),
      },
    });
    this.#rig.makingMs = () => this.#int(1, 300);
    this.#rig.onMake = (_key, revision) => this.#made(revision);
    this.#rig.engine.onCall = (call, id) => this.#called(call, id);
    if (!calm) this.#rig.delay = () => this.#pick([null, null, this.#int(1, 60)]);
    this.#declare([this.#share('r1')]);
  }

  async run(): Promise<void> {
    try {
      for (let i = 0; i < STEPS; i++) {
        await this.#step();
        this.#check();
      }
      await this.#comeToRest();
    } catch (error) {
      throw new Error(`${String(error)}\n${this.#history.slice(-60).join('\n')}`, { cause: error });
    }
  }

  async #step(): Promise<void> {
    const roll = this.#random();
    if (roll < 0.3) this.#askSome();
    else if (roll < 0.6) await this.#passTime();
    else if (roll < 0.8) this.#deploy();
    else if (roll < 0.87) this.#scale();
    else if (!this.#calm) this.#disturb();
  }

  #askSome(): void {
    for (let n = this.#int(1, 4); n > 0; n--) {
      const ask = this.#rig.ask(this.#key);
      this.#claims.push({ ask, askedAt: this.#rig.clock.now() });
      const takesMs = this.#int(0, LONGEST_REQUEST_MS);
      ask.onSettled = () => void this.#rig.clock.after(takesMs, () => ask.finish());
    }
    this.#say('ask');
  }

  async #passTime(): Promise<void> {
    const ms = this.#pick([0, this.#int(1, 50), this.#int(50, 500), this.#int(500, 3000)]);
    this.#say(`${ms} ms pass`);
    await this.#rig.clock.advance(ms);
  }

  /** The next step of a deployment, as the store would have it: old serves until new is ready. */
  #deploy(): void {
    const [old, next] = this.#shares;
    if (old === undefined) return;
    if (next === undefined) {
      const revision = `r${++this.#newest}`;
      this.#rig.revisions.set(revision, {
        listensAfterMs: this.#int(0, 400),
        endsAfterMs: this.#pick([5, 200]),
        sides: this.#pick([[], ['agent']]),
      });
      this.#declare([old, this.#share(revision, { weight: 0, held: true, replicas: this.#int(1, 3) })]);
      return;
    }
    if (this.#random() < 0.2) {
      this.#declare([{ ...old, weight: 100 }]);
      return;
    }
    const isReady = this.#rig
      .view(this.#key)
      .replicas.some((one) => one.revision === next.revision && one.phase === 'ready');
    if (!isReady) return;
    if (next.weight === 0)
      this.#declare([
        { ...old, weight: 90 },
        { ...next, weight: 10 },
      ]);
    else this.#declare([this.#share(next.revision)]);
  }

  #scale(): void {
    const replicas = this.#pick([null, null, 1, 2, 4]);
    this.#say(`scale ${replicas}`);
    this.#rig.scaler.scale(this.#key, noOverride({ replicas }));
  }

  #disturb(): void {
    const { world, engine } = this.#rig;
    const container = this.#pick(this.#rig.containersOf(this.#key));
    const act = this.#pick([
      'network',
      'broken',
      'kill',
      'die',
      'rm',
      'side',
      'pause',
      'unmakeable',
      'away',
      'well',
      'well',
      'restart',
    ] as const);
    this.#say(`disturb: ${act} ${container?.id}`);
    if (act === 'unmakeable') this.#rig.unmakeable.set(`r${this.#newest}`, new Error('no such image'));
    else if (act === 'away') engine.mood = 'away';
    else if (act === 'restart') this.#restart();
    else if (act === 'well') this.#mend();
    else if (container === undefined) return;
    else if (act === 'kill') world.kill(container.id);
    else if (act === 'die') world.die(container.id, 1);
    else if (act === 'rm') world.remove(container.id, true);
    else if (act === 'network') world.losePause(container.id);
    else if (act === 'broken') this.#breakOne(container);
    else if (act === 'side') world.loseSide(container.id, 'agent');
    else if (container.status === 'running' && !container.frozen) world.pause(container.id);
  }

  /** A member of it is taken away. */
  #breakOne(container: FakeContainer): void {
    container.isIncomplete = true;
    this.#rig.world.changed(container);
  }

  /** Tidegate is killed and comes back: who waited for it is gone. */
  #restart(): void {
    this.#claims.length = 0;
    this.#rig.restart();
  }

  #mend(): void {
    this.#rig.engine.recover();
    this.#rig.unmakeable.clear();
  }

  #declare(shares: readonly RevisionShare[]): void {
    this.#say(shares.map((one) => `${one.revision}=${one.weight}${one.held ? '!' : ''}×${one.replicas}`).join(' '));
    this.#shares = shares;
    this.#rig.declare(this.#key, shares);
  }

  #share(revision: string, changes: Partial<RevisionShare> = {}): RevisionShare {
    return { revision, weight: 100, replicas: null, held: false, ...changes };
  }

  #wanted(revision: string): number {
    const share = this.#shares.find((one) => one.revision === revision);
    return share === undefined ? 0 : (share.replicas ?? this.#rig.view(this.#key).target.awake);
  }

  #of(revision: string | null): FakeContainer[] {
    return this.#rig.containersOf(this.#key).filter((one) => one.revision === revision);
  }

  /** Never more than are wanted, and never many at a time. */
  #made(revision: string): void {
    this.#say(`  make ${revision}`);
    if (!this.#calm) return;
    const { making } = this.#rig;
    if (making.length > MAKES_AT_ONCE) this.#violations.push(`${making.length} are made at a time`);
    // What was begun while more were wanted is among them.
    const there = this.#of(revision).length + making.filter((one) => one === revision).length;
    if (there > this.#wanted(revision)) this.#violations.push(`one of ${revision} is made, and ${there - 1} are there`);
  }

  /** What is wanted is not removed, and no request is cut off. */
  #called(call: string, id: string): void {
    this.#say(`  engine ${call} ${id}`);
    if (!this.#calm || !['stop', 'rest', 'remove', 'freeze', 'pause'].includes(call)) return;
    const container = this.#rig.world.containers.get(id);
    if (container === undefined) return;
    const there = this.#of(container.revision).length;
    if (call === 'remove' && there <= this.#wanted(container.revision ?? '')) {
      this.#violations.push(`${id} is removed, and ${container.revision} has but ${there}`);
    }
    const isServing = this.#claims.some(({ ask }) => ask.upstream?.replica === `local/${id}` && !ask.isOver);
    if (isServing && isUp(container)) this.#violations.push(`${call} of ${id} with a request in flight`);
  }

  #check(): void {
    const now = this.#rig.clock.now();
    for (const { ask, askedAt } of this.#claims) {
      if (ask.outcome === null && now - askedAt > WAKE_TIMEOUT_MS + 20)
        this.#violations.push('a request waits too long');
      if (this.#calm && ask.became !== 'held' && ask.became !== 'admitted') {
        this.#violations.push(`a request was turned away: ${ask.became}`);
      }
    }
    this.#violations.push(...this.#rig.errors);
    if (this.#rig.engine.ranAway) this.#violations.push('calls to the Engine without end');
    assert.deepEqual(this.#violations, []);
  }

  /** Whatever happened before: what is to be there is, what is not is gone, and it serves. */
  async #comeToRest(): Promise<void> {
    const rig = this.#rig;
    this.#say('rest');
    this.#mend();
    rig.delay = () => null;
    for (const container of rig.world.containers.values()) rig.showTruth(container);
    await rig.clock.advance(CALM_DOWN_MS);
    this.#check();
    const calls = rig.engine.calls.length;
    await rig.clock.advance(CALM_DOWN_MS);
    assert.equal(rig.engine.calls.length, calls, 'calls to the Engine while nothing happens');
    const ask = rig.ask(this.#key);
    await rig.clock.advance(5000);
    assert.equal(ask.became, 'admitted', JSON.stringify(rig.view(this.#key)));
    ask.finish();
    for (const container of rig.containersOf(this.#key)) {
      assert.ok(
        this.#shares.some((one) => one.revision === container.revision),
        `${container.revision} is left`,
      );
    }
    for (const share of this.#shares) {
      assert.equal(this.#of(share.revision).length, this.#wanted(share.revision), `replicas of ${share.revision}`);
    }
  }

  #say(what: string): void {
    this.#history.push(`${this.#rig.clock.now().toFixed(0)}: ${what}`);
  }

  #int(low: number, high: number): number {
    return low + Math.floor(this.#random() * (high - low + 1));
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)] as T;
  }
}

const FIRST_SEED = Number(process.env.TIDEGATE_TEST_SEED ?? 1);
const LIVES = Number(process.env.TIDEGATE_TEST_LIVES ?? 12);

for (const calm of [true, false]) {
  const what = calm
    ? 'a deployment costs no request, makes no more than is wanted and removes nothing that is'
    : 'whatever people and the Engine do, a deployed set comes to rest with what it is to have';
  test(what, async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + LIVES; seed++) {
      await new Life(seed, calm).run().catch((error: unknown) => {
        throw new Error(`seed ${seed}: ${String(error)}`);
      });
    }
  });
}
