/**
 * Takes apps and sets away: changes end first, then deployments and traffic, replicas finish what they have, containers
 * and networks go, and what is kept of them last, with the end of the operation in the same write. Begun again after a
 * kill, a removal comes to the same end; while a host or the store is away it waits, and tries again.
 */
import { pause } from '#core/clock';
import { messageOf } from '#core/errors';
import { setKey } from '#core/set';
import type { DocumentChange } from '#store/store';
import type { AppLibrary } from './app-library.ts';
import type { SetRecord } from './app-record.ts';
import type { Asker } from './asker.ts';
import type { Departures } from './departures.ts';
import type { Deployments } from './deployments.ts';
import { APP_REMOVAL, type OperationRecord, SET_REMOVAL } from './operation-record.ts';
import type { NewOperation, Operations } from './operations.ts';
import type { AppsPorts } from './ports.ts';
import type { RevisionMaker } from './revision-maker.ts';
import type { SetChanges } from './set-changes.ts';
import type { Sweeper } from './sweeper.ts';

/** What is still there after that is taken away without further waiting. */
const DRAIN_WITHIN_MS = 60_000;
/** One that could not be carried out is tried again after that, and after that much more each time. */
const AGAIN_STEP_MS = 30_000;
const AGAIN_MAX_MS = 300_000;

export interface AppRemovalOptions {
  readonly ports: AppsPorts;
  readonly library: AppLibrary;
  readonly operations: Operations;
  readonly departures: Departures;
  readonly deployments: Deployments;
  readonly revisions: RevisionMaker;
  readonly changes: SetChanges;
  readonly sweeper: Sweeper;
  readonly declare: (set: SetRecord) => void;
  readonly signal: AbortSignal;
}

export class AppRemoval {
  readonly #options: AppRemovalOptions;

  constructor(options: AppRemovalOptions) {
    this.#options = options;
  }

  /** Goes on with what was under way; other operations that nobody carries on any more have failed. */
  async begin(): Promise<void> {
    const { operations } = this.#options;
    for (const operation of operations.unfinished()) {
      if (operation.type === APP_REMOVAL || operation.type === SET_REMOVAL) void this.#carryOut(operation);
      else if (operation.type !== 'deployment') {
        const error = { code: 'operation.interrupted', detail: 'Tidegate ended while it was under way' };
        await operations.update(operation.id, { state: 'failed', error });
      }
    }
  }

  /** Takes no changes of the app from now on. Asked for again, it is the same operation. */
  async removeApp(asker: Asker, app: string, volumes: boolean): Promise<OperationRecord> {
    const { tenant, by } = asker;
    const underWay = this.#options.departures.of(tenant, app, null);
    if (underWay !== null) return underWay;
    const madeAt = this.#options.library.app(tenant, app)?.createdAt;
    return await this.#begin({ tenant, app, type: APP_REMOVAL, target: app, by, result: { volumes } }, madeAt);
  }

  /** Takes no changes of the set from now on. Asked for again, it is the same operation. */
  async removeSet(asker: Asker, set: SetRecord): Promise<OperationRecord> {
    const { tenant, by } = asker;
    const underWay = this.#options.departures.of(tenant, set.app, set.name);
    if (underWay !== null) return underWay;
    const target = `${set.app}/${set.name}`;
    return await this.#begin({ tenant, app: set.app, type: SET_REMOVAL, target, by }, set.createdAt);
  }

  async #begin(draft: NewOperation, madeAt: number | undefined): Promise<OperationRecord> {
    const { operations, departures } = this.#options;
    const whole = madeAt === undefined ? draft : { ...draft, madeAt };
    const operation = await departures.beginning(draft.tenant, draft.target, () => operations.begin(whole));
    void this.#carryOut(operation);
    return operation;
  }

  /** To its end, or to the end of Tidegate. Never rejects. */
  async #carryOut(operation: OperationRecord): Promise<void> {
    const { signal, ports } = this.#options;
    for (let wait = AGAIN_STEP_MS; !signal.aborted; wait = Math.min(wait + AGAIN_STEP_MS, AGAIN_MAX_MS)) {
      try {
        await (operation.type === APP_REMOVAL ? this.#app(operation) : this.#set(operation));
        return;
      } catch (error) {
        if (signal.aborted) return;
        ports.log.warn('something could not be removed yet', { operation: operation.id, error });
        await this.#enter(operation.id, `waiting: ${messageOf(error)}`).catch(() => {});
        await pause(ports.clock, wait, signal);
      }
    }
  }

  async #app(operation: OperationRecord): Promise<void> {
    const { library, ports, departures, deployments, sweeper, revisions } = this.#options;
    const { id, tenant, target: app, madeAt, by } = operation;
    await departures.settled(tenant, app);
    if (madeAt !== undefined && library.app(tenant, app)?.createdAt !== madeAt) return await this.#end(id);
    await this.#enter(id, 'draining');
    await deployments.drop(tenant, app, null);
    const sets = library.sets(tenant, app);
    await Promise.all(sets.map((set) => this.#drain(set)));
    await this.#enter(id, 'removing');
    await sweeper.clear(tenant, app, { volumes: operation.result?.volumes === true });
    for (const set of sets) await this.#letGo(set, revisions);
    await deployments.drop(tenant, app, null);
    await this.#end(id, async (also) => {
      for (const { name } of await library.dropApp(tenant, app, also)) ports.undeclare(setKey(tenant, app, name));
    });
    ports.emit({ type: 'app.removed', tenant, app, cause: `${by} asked for it`, correlationId: id });
  }

  async #set(operation: OperationRecord): Promise<void> {
    const { library, ports, departures, deployments, sweeper, revisions } = this.#options;
    const { id, tenant, target, madeAt } = operation;
    const [app = '', name = ''] = target.split('/');
    await departures.settled(tenant, app);
    const set = library.set(tenant, app, name);
    if (madeAt !== undefined && set?.createdAt !== madeAt) return await this.#end(id);
    await this.#enter(id, 'draining');
    await deployments.drop(tenant, app, name);
    if (set !== null) await this.#drain(set);
    await this.#enter(id, 'removing');
    await sweeper.clear(tenant, app, { set: name, volumes: false });
    if (set !== null) await this.#letGo(set, revisions);
    await this.#end(id, (also) => library.dropSet(tenant, app, name, also));
    ports.undeclare(setKey(tenant, app, name));
  }

  /** What is held for a set elsewhere: images on the hosts, and what people asked of its scale. */
  async #letGo(set: SetRecord, revisions: RevisionMaker): Promise<void> {
    await revisions.letGo(set);
    await this.#options.ports.forgetScale(setKey(set.tenant, set.app, set.name));
  }

  /** A phase that is tried again is not told again. */
  async #enter(id: string, phase: string): Promise<void> {
    const { operations } = this.#options;
    const now = operations.unfinished().find((one) => one.id === id);
    const isAgain = now?.phase.startsWith('waiting') === true && !phase.startsWith('waiting');
    if (now === undefined || isAgain || now.phase === phase) return;
    await operations.update(id, { state: 'running', phase });
  }

  /** @param drop keeps the end of the operation in the same write as what it drops */
  async #end(id: string, drop?: (also: readonly DocumentChange[]) => Promise<void>): Promise<void> {
    const { operations } = this.#options;
    const success = { state: 'succeeded', progress: { done: 1, total: 1 } } as const;
    if (drop === undefined) return await operations.update(id, success);
    const next = operations.next(id, success);
    await drop(next === null ? [] : [operations.change(next)]);
    if (next !== null) operations.took(next);
  }

  /** No more traffic, and its replicas go as they have finished. */
  async #drain(set: SetRecord): Promise<void> {
    const { library, declare, ports, changes, signal } = this.#options;
    const key = setKey(set.tenant, set.app, set.name);
    const kept = await library.putInForce(set, { shares: [], routing: null });
    if (kept !== null) declare(kept);
    const until = ports.clock.now() + DRAIN_WITHIN_MS;
    while (ports.clock.now() < until && (ports.sight(key)?.replicas.length ?? 0) > 0) {
      if (signal.aborted) throw new Error('Tidegate is ending');
      await changes.next(key, signal);
    }
  }
}
