/**
 * A random life of a few sets: requests, time, people at work with docker, an Engine that fails and hangs, a discovery
 * that is late and shows old pictures. What must hold in every one of them is checked on the way; a life is the same
 * whenever it has the same seed.
 */
import assert from 'node:assert/strict';
import { type SetKey, setKey } from '#core/set';
import { seeded } from '#test/router/sample';
import { FAKE_CALLS, type FakeCall } from './fake-engine.ts';
import { type ContainerTraits, type FakeContainer, isUp, pictureOf } from './fake-world.ts';
import { type Ask, noOverride, Rig, type SetTraits } from './rig.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly steps: number;
  /** Neither people nor faults nor old pictures: whatever happens is the scaler's own doing. */
  readonly calm: boolean;
}

interface Claim {
  readonly ask: Ask;
  readonly key: SetKey;
  readonly askedAt: number;
  aborted: boolean;
  /** By the concurrency of its set, or the size of its waiting room. */
  limited: boolean;
}

const LONGEST_WAKE_MS = 8000;
const SHORTEST_DRAIN_MS = 100;
const LONGEST_DRAIN_MS = 2000;
const EPSILON_MS = 20;
/** No backoff is longer. */
const CALM_DOWN_MS = 130_000;

export class Chaos {
  readonly rig: Rig;
  readonly #options: ChaosOptions;
  readonly #random: () => number;
  readonly #keys: SetKey[] = [];
  readonly #claims: Claim[] = [];
  readonly #history: string[] = [];
  readonly #violations: string[] = [];
  #oldPictures: { readonly container: FakeContainer; readonly picture: ReturnType<typeof pictureOf> }[] = [];

  constructor(options: ChaosOptions) {
    this.#options = options;
    this.#random = seeded(options.seed);
    this.rig = new Rig({ seed: options.seed });
    const { engine } = this.rig;
    engine.latency = (call) => (call === 'thaw' || call === 'isFrozen' ? 0 : this.#int(0, 60));
    engine.onCall = (call, id) => this.#called(call, id);
    engine.onAct = (call, { id }) => {
      // With a discovery that lies, or an Engine that acts much later, that is nobody's fault.
      if (options.calm) this.#checkSleep(call, id);
    };
    this.rig.delay = () => this.#pick([null, null, 0, this.#int(1, 40)]);
  }

  /** Lives the life and checks it. Rejects with the whole history when something did not hold. */
  async run(): Promise<void> {
    try {
      this.#found();
      for (let i = 0; i < this.#options.steps; i++) {
        await this.#step();
        this.#check();
      }
      await this.#comeToRest();
      await this.#everySetServes();
      await this.#close();
    } catch (error) {
      throw new Error(`seed ${this.#options.seed}: ${String(error)}\n${this.#history.slice(-60).join('\n')}`, {
        cause: error,
      });
    }
  }

  #found(): void {
    const names = ['web', 'api', 'db'].slice(0, this.#int(1, 3));
    for (const [i, name] of names.entries()) {
      const min = this.#pick([0, 0, 0, 1]);
      const depends = names.slice(i + 1).filter(() => this.#chance(0.5));
      this.#keys.push(this.rig.set(name, this.#policyWith(min, depends)));
      for (let n = this.#int(1, 2); n > 0; n--) this.#make(name, min);
      this.#say(`set ${name} min ${min}`);
    }
    this.#say(
      JSON.stringify([...this.rig.world.containers.values()].map((one) => [one.id, one.set, this.rig.state(one)])),
    );
  }

  #policyWith(min: number, depends: readonly string[]): SetTraits {
    return {
      depends,
      concurrency: this.#pick([0, 0, 1, 3]),
      wakeTimeoutMs: this.#pick([3000, LONGEST_WAKE_MS]),
      wakeQueue: this.#pick([4, 1000]),
      drainMs: this.#pick([SHORTEST_DRAIN_MS, LONGEST_DRAIN_MS]),
      health: { intervalMs: this.#pick([500, 5000]), fall: this.#pick([1, 3]), timeoutMs: 100 },
      scale: {
        min,
        max: this.#pick([1, 3]),
        pauseMs: this.#pick([null, 50, 400]),
        stopMs: this.#pick([null, 300, 2000]),
      },
    };
  }

  #policy(key: SetKey): SetTraits {
    const { depends, scale } = this.rig.pool(key).policy;
    const others = this.#keys.map((one) => one.split('/')[2] ?? '').filter((one) => !key.endsWith(one));
    return this.#policyWith(
      this.#options.calm ? scale.min : this.#pick([0, 0, 1]),
      this.#chance(0.5) ? depends : others,
    );
  }

  #make(name: string, min: number): void {
    const state = min > 0 ? 'running' : this.#pick(['created', 'running', 'exited', 'paused', 'frozen'] as const);
    this.rig.add(name, state === 'frozen' ? 'running' : state, this.#traits());
  }

  #traits(): Partial<ContainerTraits> {
    return {
      hasHealthcheck: this.#chance(0.3),
      listensAfterMs: this.#int(0, 200),
      endsAfterMs: this.#pick([5, 60, 500]),
      stopTimeoutS: 1,
      restarts: !this.#options.calm && this.#chance(0.2),
    };
  }

  async #step(): Promise<void> {
    const roll = this.#random();
    if (roll < 0.3) this.#askSome();
    else if (roll < 0.45) this.#finishSome();
    else if (roll < 0.75) await this.#passTime();
    else if (this.#options.calm) this.#useTheApi();
    else if (roll < 0.86) this.#personActs();
    else if (roll < 0.92) this.#engineTurns();
    else if (roll < 0.95) this.#showOldPicture();
    else if (roll < 0.96) this.#restart();
    else if (roll < 0.98) this.#retrySome();
    else this.#useTheApi();
  }

  /** Tidegate is killed and comes back. */
  #restart(): void {
    this.#say('kill -9');
    this.#claims.length = 0;
    this.rig.restart();
  }

  /** Requests find their upstream unable to answer, and ask for another one. */
  #retrySome(): void {
    for (const claim of [...this.#claims]) {
      const { upstream, isOver } = claim.ask;
      if (upstream === null || isOver || !this.#chance(0.5)) continue;
      const pool = this.rig.table.pool(claim.key);
      pool?.suspect(upstream);
      claim.ask.finish();
      if (pool === undefined) continue;
      const ask = this.rig.ask(claim.key, { tried: [upstream] });
      this.#claim(ask, claim.key);
    }
    this.#say('retry some');
  }

  #askSome(): void {
    const key = this.#pick(this.#keys);
    if (this.rig.table.pool(key) === undefined) return;
    for (let n = this.#int(1, 4); n > 0; n--) {
      const ask = this.rig.ask(key, { client: `client ${this.#int(1, 3)}` });
      this.#claim(ask, key);
    }
    this.#say(`ask ${key}`);
  }

  #claim(ask: Ask, key: SetKey): void {
    const limited = this.#isLimited(key);
    const claim: Claim = { ask, key, askedAt: this.rig.clock.now(), aborted: false, limited };
    ask.onSettled = () => this.#settled(claim);
    this.#claims.push(claim);
  }

  #isLimited(key: SetKey): boolean {
    const { concurrency, wakeQueue } = this.rig.pool(key).policy;
    return concurrency > 0 || wakeQueue < 1000;
  }

  #finishSome(): void {
    for (const claim of this.#claims) {
      const { ask } = claim;
      if (!this.#chance(0.6)) continue;
      if (ask.outcome === null) {
        claim.aborted ||= this.#chance(0.2);
        if (claim.aborted) ask.abort();
      } else ask.finish();
    }
    this.#say('finish some');
  }

  async #passTime(): Promise<void> {
    const ms = this.#pick([0, 0, this.#int(1, 10), this.#int(10, 100), this.#int(100, 1000), this.#int(1000, 5000)]);
    this.#say(`${ms} ms pass`);
    await this.rig.clock.advance(ms);
  }

  #personActs(): void {
    const container = this.#pick([...this.rig.world.containers.values()]);
    const act = this.#pick([
      'stop',
      'start',
      'pause',
      'unpause',
      'kill',
      'rm',
      'create',
      'die',
      'sick',
      'well',
    ] as const);
    if (container === undefined || act === 'create') {
      if (this.rig.world.containers.size < 8) this.rig.world.create(this.#pick(['web', 'db']), this.#traits());
      this.#say('person creates');
      return;
    }
    this.#say(`person: ${act} ${container.id}`);
    const { world } = this.rig;
    try {
      if (act === 'stop' || act === 'kill') world.kill(container.id);
      if (act === 'start') world.start(container.id);
      if (act === 'pause') world.pause(container.id);
      if (act === 'unpause') world.unpause(container.id);
      if (act === 'die') world.die(container.id, 1);
      if (act === 'rm' && this.#chance(0.3)) world.remove(container.id, true);
      if (act === 'sick' || act === 'well') container.sick = act === 'sick';
    } catch {
      // Docker refuses it.
    }
  }

  #engineTurns(): void {
    const { engine } = this.rig;
    const turn = this.#pick(['away', 'hung', 'well', 'well', 'fail', 'throw', 'blind', 'indirect'] as const);
    this.#say(`engine: ${turn}`);
    if (turn === 'well') {
      engine.recover();
      engine.direct = true;
      this.rig.blind = false;
    } else if (turn === 'fail') engine.fail(this.#pick(FAKE_CALLS), undefined, this.#int(1, 5));
    else if (turn === 'throw') engine.throwAtOnce(this.#pick(FAKE_CALLS), undefined, this.#int(1, 5));
    else if (turn === 'blind') this.rig.blind = true;
    else if (turn === 'indirect') engine.direct = [...this.rig.world.containers.values()].some((one) => one.frozen);
    else engine.mood = turn;
  }

  #showOldPicture(): void {
    for (const container of this.rig.world.containers.values()) {
      if (this.#chance(0.3)) this.#oldPictures.push({ container, picture: pictureOf(container) });
    }
    const old = this.#pick(this.#oldPictures);
    if (old === undefined || !this.rig.world.containers.has(old.container.id)) return;
    this.#say(`old picture of ${old.container.id}: ${old.picture.status} ${old.picture.startedAt}`);
    this.rig.show(old.container, old.picture);
    // Discovery finds its mistake by itself.
    this.rig.clock.after(this.#int(1, 300), () => this.rig.showTruth(old.container));
  }

  #useTheApi(): void {
    const key = this.#pick(this.#keys);
    const { scaler } = this.rig;
    const act = this.#pick(['scale', 'lease', 'touch', 'knock', 'unscale', 'deliver', 'policy'] as const);
    this.#say(`api: ${act} ${key}`);
    if (this.rig.table.pool(key) === undefined) return;
    if (act === 'scale') scaler.scale(key, noOverride({ replicas: this.#int(0, 3) }));
    if (act === 'unscale') scaler.scale(key, noOverride({ max: this.#pick([null, 1, 2]) }));
    if (act === 'lease') scaler.lease('default', 'shop', this.#int(1, 2000));
    if (act === 'knock') scaler.knock(this.rig.pool(key));
    if (act === 'deliver') this.rig.deliver(key);
    if (act === 'policy') this.rig.set(key.split('/')[2] ?? '', this.#policy(key));
    const [container] = this.rig.world.containers.values();
    if (act === 'touch' && container !== undefined) scaler.touch(`local/${container.id}`);
  }

  /** No request is put to sleep with its replica. */
  #called(call: FakeCall, id: string): void {
    this.#say(`  engine ${call} ${id}`);
    this.#checkSleep(call, id);
  }

  #checkSleep(call: FakeCall, id: string): void {
    if (call !== 'freeze' && call !== 'pause' && call !== 'stop' && call !== 'remove') return;
    const container = this.rig.world.containers.get(id);
    if (container === undefined || !isUp(container) || container.stopping) return;
    const now = this.rig.clock.now();
    for (const { ask } of this.#claims) {
      const { upstream } = ask;
      // What was in flight to an earlier run of it ended with that.
      const isServing = upstream?.replica === `local/${id}` && upstream.endpoints[0]?.dialHost === container.address;
      if (!isServing || ask.isOver) continue;
      const mayEnd = call === 'stop' || call === 'remove';
      const isDrained = mayEnd && now - (ask.settledAt ?? now) >= SHORTEST_DRAIN_MS;
      if (!isDrained) this.#violations.push(`${call} of ${id} with a request in flight`);
    }
  }

  /** When nothing goes wrong whoever is let in finds somebody who answers. */
  #settled({ ask }: Claim): void {
    const { upstream } = ask;
    if (upstream === null || !this.#options.calm) return;
    const container = this.rig.world.containers.get(upstream.replica.slice('local/'.length));
    if (container !== undefined && this.rig.world.answers(container)) return;
    this.#violations.push(`a request was sent to ${upstream.replica}, which does not answer`);
  }

  #check(): void {
    const now = this.rig.clock.now();
    for (const claim of this.#claims) {
      const waited = now - claim.askedAt;
      if (claim.ask.outcome === null && waited > LONGEST_WAKE_MS + EPSILON_MS) {
        this.#violations.push(`a request of ${claim.key} waits for ${waited} ms`);
      }
      if (this.#options.calm) this.#checkCalm(claim);
    }
    this.#violations.push(...this.rig.errors);
    if (this.rig.engine.ranAway) this.#violations.push('calls to the Engine without end');
    assert.deepEqual(this.#violations, []);
  }

  /** Nothing stands in the way of being served but limits. */
  #checkCalm(claim: Claim): void {
    const { ask, key, aborted } = claim;
    if (ask.outcome === null) claim.limited ||= this.#isLimited(key);
    const { limited } = claim;
    const allowed = ['held', 'admitted', ...(limited ? ['shed', 'timed-out'] : []), ...(aborted ? ['timed-out'] : [])];
    if (!allowed.includes(ask.became)) this.#violations.push(`a request of ${key} was turned away: ${ask.became}`);
  }

  /** The world calms down: nothing fails any more, nobody does anything, discovery shows the truth. */
  async #comeToRest(): Promise<void> {
    const { rig } = this;
    this.#say('rest');
    rig.engine.recover();
    rig.engine.direct = true;
    rig.blind = false;
    await rig.clock.advance(LONGEST_WAKE_MS + EPSILON_MS);
    for (const { ask } of this.#claims) ask.finish();
    for (const container of rig.world.containers.values()) {
      container.sick = false;
      this.rig.showTruth(container);
    }
    const callsBefore = rig.engine.calls.length;
    await rig.clock.advance(CALM_DOWN_MS);
    this.#check();
    for (const key of this.#keys) {
      const pool = rig.table.pool(key);
      if (pool === undefined) continue;
      assert.equal(pool.held, 0, `held of ${key}`);
      assert.equal(pool.inFlight, 0, `in flight of ${key}`);
    }
    const calls = rig.engine.calls.length - callsBefore;
    assert.ok(calls <= 60, `${calls} calls to the Engine while nothing happened`);
  }

  /** Whatever happened before: a set that can be started serves whoever asks. */
  async #everySetServes(): Promise<void> {
    const { rig } = this;
    for (const key of this.#keys) {
      if (rig.table.pool(key) === undefined || !this.#canServe(key)) continue;
      this.#say(`last ask of ${key}`);
      const ask = rig.ask(key);
      await rig.clock.advance(LONGEST_WAKE_MS);
      assert.equal(ask.became, 'admitted', `${key} does not serve: ${JSON.stringify(rig.view(key))}`);
      ask.finish();
    }
  }

  #canServe(key: SetKey, asked: readonly SetKey[] = []): boolean {
    // In a circle of dependencies one is not followed.
    if (asked.includes(key)) return true;
    const { policy } = this.rig.pool(key);
    const view = this.rig.view(key);
    const name = key.split('/')[2] ?? '';
    const containers = [...this.rig.world.containers.values()].filter((one) => one.set === name);
    const isDown = containers.every((one) => one.status !== 'running' || one.frozen);
    if (containers.length === 0 || (view.target.min > 0 && isDown)) return false;
    return policy.depends.every((one) => {
      const dependency = setKey('default', 'shop', one);
      return this.rig.table.pool(dependency) === undefined || this.#canServe(dependency, [...asked, key]);
    });
  }

  async #close(): Promise<void> {
    const { rig } = this;
    const asks = this.#keys.filter((key) => rig.table.pool(key) !== undefined).map((key) => rig.ask(key));
    const closed = rig.scaler.close();
    await rig.clock.advance(30_000);
    await closed;
    for (const ask of asks) assert.notEqual(ask.became, 'held');
    for (const container of rig.world.containers.values())
      assert.equal(container.frozen, false, `${container.id} is left frozen`);
  }

  #say(what: string): void {
    this.#history.push(`${this.rig.clock.now().toFixed(0)}: ${what}`);
  }

  #int(low: number, high: number): number {
    return low + Math.floor(this.#random() * (high - low + 1));
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)] as T;
  }
}
