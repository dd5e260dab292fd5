/** How many replicas one set should have: its labels, what a person asked for beside them, and what its load asks for. */
import type { Timer } from '#core/clock';
import type { Schedule } from '#core/schedule';
import type { SetSnapshot } from '#core/set';
import type { Pool } from '#router/pool';
import { Autoscaler, type AutoscalerView, causeOf, type ScaleChange } from './autoscaler.ts';
import { nextChange, scheduledMin } from './decider/schedule.ts';
import { type SpareCount, spareCount } from './decider/spares.ts';
import { meanUse } from './mean-use.ts';
import type { ScalerPorts } from './ports.ts';
import type { ReplicaKeeper } from './replica-keeper.ts';
import { type ScaleOverride, type ScaleTarget, scaleTarget, scalingBounds } from './scale-target.ts';
import type { SetReport } from './set-reports.ts';
import type { SpareClaims } from './spare-claims.ts';
import { memoryToCome, spareRoom } from './spare-room.ts';

/** The clock on the wall may be set meanwhile: the schedule is looked at so often at least. */
const LONGEST_WAIT_MS = 60_000;
/** How often it is looked what memory has room for. What was begun in between does not show in it yet. */
const ROOM_MS = 1000;

export interface SetScaleOptions {
  readonly ports: Pick<ScalerPorts, 'clock' | 'usage' | 'memoryRoom'>;
  readonly pool: Pool;
  readonly snapshot: () => SetSnapshot;
  readonly replicas: () => readonly ReplicaKeeper[];
  readonly override: ScaleOverride;
  /** Of all sets. */
  readonly claims: SpareClaims;
  readonly report: SetReport;
  /** Its load or its schedule asks for another number. */
  readonly onChange: () => void;
}

/** The frozen spares of a set, for people to see. */
export interface SpareView extends SpareCount {
  readonly wish: number | 'auto';
  /** Replicas that the greatest burst of late wanted more within the time of a start. */
  readonly burst: number;
  /** What 95 % of its last starts took at most; null: none was seen yet. */
  readonly startMs: number | null;
  /** How many the memory of hosts has room for; null: not known, or not asked. */
  readonly room: number | null;
}

export class SetScale {
  /** What a person or program asked for. */
  override: ScaleOverride;
  readonly #options: SetScaleOptions;
  readonly #autoscaler: Autoscaler;
  #schedule: Schedule = [];
  /** What the schedule asks for until the timer fires. */
  #scheduled = 0;
  #timer: Timer | null = null;
  #isClosed = false;
  /** As of the last look. */
  #spareCount = 0;
  /** Spares that memory has room for, as of the last look at it. */
  #room: number | null = null;
  #roomAt = Number.NEGATIVE_INFINITY;

  constructor(options: SetScaleOptions) {
    const { ports, pool, replicas } = options;
    this.#options = options;
    this.override = options.override;
    this.#autoscaler = new Autoscaler({
      ...{ pool, clock: ports.clock },
      use: () => meanUse(replicas(), ports.usage),
      onChange: (change) => this.#changed(change),
      onLook: () => this.#lookAtSpares(),
    });
  }

  /** Replicas to be kept frozen beyond those that are awake; other sets leave them the memory that they will take. */
  get spares(): SpareView {
    const wish = this.#options.snapshot().policy.scale.spare;
    const { burst, startMs } = this.#autoscaler;
    const { max, awake } = this.target;
    const isByBursts = wish === 'auto' && burst > 0;
    const room = isByBursts ? this.#memoryRoom(awake) : null;
    const spares = spareCount({ wish, burst, max, awake, room });
    this.#claim(isByBursts ? spares.count : 0, awake);
    return { ...spares, wish, burst, startMs, room };
  }

  get target(): ScaleTarget {
    const { policy, replicas, shares } = this.#options.snapshot();
    this.#keepTime(policy.scale.schedule);
    return scaleTarget({
      ...{ class: policy.class, policy: policy.scale, override: this.override, scheduled: this.#scheduled },
      // What the API deploys nobody else makes.
      made: shares === undefined ? replicas.filter((one) => one.cloneOf === null).length : 0,
      desired: this.#autoscaler.desired,
    });
  }

  /** As the target, with a min that is not of the schedule: with 0 a replica that is down is asleep, whoever stopped it. */
  get lasting(): ScaleTarget {
    const { policy } = this.#options.snapshot();
    const facts = { class: policy.class, policy: policy.scale, override: this.override, scheduled: 0 };
    return { ...this.target, min: scaleTarget({ ...facts, made: 0, desired: null }).min };
  }

  /** Those beyond the number are put to sleep: a person asked for it. */
  get isFixed(): boolean {
    return this.override.replicas !== null || this.override.max !== null;
  }

  /** What its number of replicas goes by; null: it is fixed, or the set sleeps. */
  get view(): AutoscalerView | null {
    return this.#autoscaler.view;
  }

  /** Says whether the set is awake: only then does it follow its load. */
  follow(isAwake: boolean): void {
    const { policy } = this.#options.snapshot();
    this.#keepTime(policy.scale.schedule);
    const bounds = scalingBounds({
      ...{ class: policy.class, policy: policy.scale, override: this.override, scheduled: this.#scheduled },
    });
    const replicas = this.#options.replicas().filter((one) => !one.isAsleep).length;
    this.#autoscaler.follow(bounds, { isAwake, isFixed: this.override.replicas !== null, replicas });
  }

  /** A request is held. */
  poke(): void {
    this.#autoscaler.poke();
  }

  close(): void {
    this.#autoscaler.close();
    this.#timer?.cancel();
    this.#isClosed = true;
  }

  /** The schedule is looked at when it is a new one, and when it is time for its next change. */
  #keepTime(schedule: Schedule): void {
    if (schedule === this.#schedule) return;
    this.#schedule = schedule;
    this.#lookAtSchedule();
  }

  #lookAtSchedule(): void {
    const { clock } = this.#options.ports;
    this.#timer?.cancel();
    const wall = clock.wall();
    this.#scheduled = scheduledMin(this.#schedule, wall);
    const next = nextChange(this.#schedule, wall, LONGEST_WAIT_MS);
    if (next === null || this.#isClosed) return;
    this.#timer = clock.after(next - wall, () => {
      const before = this.#scheduled;
      this.#lookAtSchedule();
      if (this.#scheduled !== before) this.#options.onChange();
    });
  }

  #memoryRoom(awake: number): number | null {
    const { ports, snapshot, replicas, claims } = this.#options;
    const now = ports.clock.now();
    if (now - this.#roomAt >= ROOM_MS) {
      this.#room = spareRoom(replicas(), ports, { awake, claimed: claims.ofOthers(snapshot().key) });
      this.#roomAt = now;
    }
    return this.#room;
  }

  /** Says what its spares will take of the memory that still looks free. */
  #claim(spares: number, awake: number): void {
    const { ports, snapshot, replicas, claims } = this.#options;
    claims.put(snapshot().key, spares === 0 ? 0 : memoryToCome(replicas(), ports.usage, { awake, spares }));
  }

  /** What bursts and memory ask for changes by itself. */
  #lookAtSpares(): void {
    if (this.#options.snapshot().policy.scale.spare !== 'auto') return;
    const { count } = this.spares;
    if (count === this.#spareCount) return;
    this.#spareCount = count;
    this.#options.onChange();
  }

  #changed(change: ScaleChange): void {
    const { report, onChange } = this.#options;
    if (change.from !== change.to) report('set.scaled', causeOf(change), { data: { ...change } });
    onChange();
  }
}
