/**
 * Makes replicas with the configuration of one that its operator made. One at a time per set; one that was made counts as
 * there, also while discovery does not show it; a failure is reported and waits longer each time.
 */
import type { Timer } from '#core/clock';
import { isTidegateError, messageOf } from '#core/errors';
import type { EventType } from '#core/event';
import type { SetSnapshot } from '#core/set';
import type { Engine } from '#docker/engine';
import { type Awaited, AwaitedReplicas } from './awaited-replicas.ts';
import { isEngineAway, UnknownHost } from './engine-away.ts';
import type { ScalerPorts } from './ports.ts';
import type { ReplicaKeeper } from './replica-keeper.ts';

/** Names the container a clone was made from. Declared, as internal, in the table of labels. */
const CLONE_LABEL = 'tidegate.clone.of';
/** Compose must not count a clone among its own containers: it would take one of them away. */
const NOT_OF_COMPOSE = {
  'com.docker.compose.project': null,
  'com.docker.compose.service': null,
  'com.docker.compose.container-number': null,
  'com.docker.compose.config-hash': null,
} as const;
const BACKOFF_FIRST_MS = 1000;
const BACKOFF_LONGEST_MS = 60_000;
/** Conflicts in a row after which the name is taken as somebody else's, and not as that of a clone just made. */
const CONFLICTS_OF_NAME = 2;
const CONFLICT = 409;

export interface CloneMakerOptions {
  readonly ports: ScalerPorts;
  readonly report: (type: EventType, replica: string, cause: string, data?: Record<string, unknown>) => void;
  /** Called when one is made, or may be tried again. */
  readonly onDone: () => void;
}

interface Order {
  readonly original: ReplicaKeeper;
  readonly snapshot: SetSnapshot;
}

interface AwaitedClone extends Awaited {
  readonly name: string;
}

export class CloneMaker {
  readonly #options: CloneMakerOptions;
  readonly #awaited: AwaitedReplicas<AwaitedClone>;
  readonly #conflicts = new Map<string, number>();
  #busy = false;
  #failures = 0;
  #notBefore = Number.NEGATIVE_INFINITY;
  #retry: Timer | null = null;
  #closed = false;

  constructor(options: CloneMakerOptions) {
    this.#options = options;
    this.#awaited = new AwaitedReplicas({ ports: options.ports, onFewer: options.onDone });
  }

  /** Says how many clones are missing; they are made one after the other, and this is asked anew before each. */
  want(original: ReplicaKeeper | null, missing: number, snapshot: SetSnapshot): void {
    this.#awaited.shown(snapshot);
    if (original === null || missing <= this.#awaited.size) return;
    if (this.#busy || this.#notBefore > this.#options.ports.clock.now()) return;
    this.#busy = true;
    void this.#make({ original, snapshot });
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    this.#awaited.close();
  }

  async #make(order: Order): Promise<void> {
    const { host, name } = order.original.snapshot;
    const cloneName = this.#freeName(name, order.snapshot);
    // Never in the same turn: what ends at once must not begin the next one from within itself.
    await null;
    try {
      const clone = await this.#clone(cloneName, order);
      this.#conflicts.clear();
      this.#failures = 0;
      const cause = `a copy of ${name}, as the scale asks for`;
      this.#options.report('replica.created', `${host}/${clone}`, cause, { name: cloneName });
      await this.#awaited.add({ host, containerId: clone, name: cloneName });
    } catch (error) {
      this.#failed(error, order, cloneName);
    }
    this.#busy = false;
    if (!this.#closed) this.#options.onDone();
  }

  async #clone(name: string, { original, snapshot }: Order): Promise<string> {
    const { containerId, host } = original.snapshot;
    const engine = this.#engine(host);
    return engine.clone(containerId, {
      name,
      labels: {
        [CLONE_LABEL]: containerId,
        'tidegate.tenant': snapshot.tenant,
        'tidegate.app': snapshot.app,
        'tidegate.set': snapshot.set,
        ...NOT_OF_COMPOSE,
      },
    });
  }

  #failed(error: unknown, { original }: Order, cloneName: string): void {
    const { clock, log } = this.#options.ports;
    const { id, name } = original.snapshot;
    const isAway = isEngineAway(error);
    const waitMs = Math.min(BACKOFF_LONGEST_MS, BACKOFF_FIRST_MS * 2 ** this.#failures);
    if (isTidegateError(error, 'engine.refused') && error.detail.status === CONFLICT) {
      this.#conflicts.set(cloneName, (this.#conflicts.get(cloneName) ?? 0) + 1);
    }
    this.#notBefore = clock.now() + waitMs;
    this.#retry?.cancel();
    if (!this.#closed) this.#retry = clock.after(waitMs, () => this.#options.onDone());
    if (isAway) {
      log.warn('the Engine is away; a copy is made later', { original: name, error });
      return;
    }
    this.#failures++;
    const data = { failures: this.#failures, retry_in_ms: waitMs };
    this.#options.report('replica.failed', id, `a copy could not be made: ${messageOf(error)}`, data);
  }

  #engine(host: string): Engine {
    const engine = this.#options.ports.engine(host);
    if (engine === null) throw new UnknownHost(host);
    return engine;
  }

  /** `<name>-tg<n>` with the smallest n that is not taken. */
  #freeName(name: string, snapshot: SetSnapshot): string {
    const taken = new Set([...snapshot.replicas, ...this.#awaited.all()].map((one) => one.name));
    for (let n = 2; ; n++) {
      const candidate = `${name}-tg${n}`;
      if (!taken.has(candidate) && (this.#conflicts.get(candidate) ?? 0) < CONFLICTS_OF_NAME) return candidate;
    }
  }
}
