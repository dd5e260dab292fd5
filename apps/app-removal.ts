/**
 * Takes apps and sets away: traffic ends first, replicas finish what they have, then containers and networks go, and
 * what is kept of them last. Begun again after a kill, a removal comes to the same end.
 */
import { messageOf } from '#core/errors';
import { setKey } from '#core/set';
import type { AppLibrary } from './app-library.ts';
import type { SetRecord } from './app-record.ts';
import type { Asker } from './asker.ts';
import type { Deployments } from './deployments.ts';
import type { OperationRecord } from './operation-record.ts';
import type { Operations } from './operations.ts';
import type { AppsPorts } from './ports.ts';
import type { SetChanges } from './set-changes.ts';
import type { Sweeper } from './sweeper.ts';

const APP_REMOVAL = 'app.delete';
const SET_REMOVAL = 'set.delete';
/** What is still there after that is taken away without further waiting. */
const DRAIN_WITHIN_MS = 60_000;

export interface AppRemovalOptions {
  readonly ports: AppsPorts;
  readonly library: AppLibrary;
  readonly operations: Operations;
  readonly deployments: Deployments;
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

  async removeApp(asker: Asker, app: string, volumes: boolean): Promise<OperationRecord> {
    const { operations } = this.#options;
    const { tenant, by } = asker;
    const operation = await operations.begin({ tenant, app, type: APP_REMOVAL, target: app, by });
    await operations.update(operation.id, { result: { volumes } });
    void this.#carryOut(operations.get(tenant, operation.id) ?? operation);
    return operation;
  }

  async removeSet(asker: Asker, set: SetRecord): Promise<OperationRecord> {
    const { operations } = this.#options;
    const { tenant, by } = asker;
    const target = `${set.app}/${set.name}`;
    const operation = await operations.begin({ tenant, app: set.app, type: SET_REMOVAL, target, by });
    void this.#carryOut(operation);
    return operation;
  }

  async #carryOut(operation: OperationRecord): Promise<void> {
    const { operations, signal, ports } = this.#options;
    const { id, tenant, target, type } = operation;
    const [app = '', set] = target.split('/');
    try {
      await operations.update(id, { state: 'running', phase: 'draining' });
      if (type === APP_REMOVAL) await this.#app(tenant, app, operation);
      else await this.#set(tenant, app, set ?? '', operation);
      await operations.update(id, { state: 'succeeded', progress: { done: 1, total: 1 } });
    } catch (error) {
      if (signal.aborted) return;
      ports.log.warn('something could not be removed', { operation: id, error });
      const fault = { code: 'removal.failed', detail: messageOf(error) };
      await operations.update(id, { state: 'failed', error: fault }).catch(() => {});
    }
  }

  async #app(tenant: string, app: string, operation: OperationRecord): Promise<void> {
    const { library, deployments, operations, ports, sweeper } = this.#options;
    await deployments.drop(tenant, app);
    const sets = library.sets(tenant, app);
    await Promise.all(sets.map((set) => this.#drain(set)));
    await operations.update(operation.id, { phase: 'removing' });
    await sweeper.clear(tenant, app, { volumes: operation.result?.volumes === true });
    await library.dropApp(tenant, app);
    for (const set of sets) ports.undeclare(setKey(tenant, app, set.name));
    ports.emit({
      type: 'app.removed',
      tenant,
      app,
      cause: `${operation.by} asked for it`,
      correlationId: operation.id,
    });
  }

  async #set(tenant: string, app: string, name: string, operation: OperationRecord): Promise<void> {
    const { library, operations, ports, sweeper } = this.#options;
    const set = library.set(tenant, app, name);
    if (set !== null) await this.#drain(set);
    await operations.update(operation.id, { phase: 'removing' });
    await sweeper.clear(tenant, app, { set: name, volumes: false });
    await library.dropSet(tenant, app, name);
    ports.undeclare(setKey(tenant, app, name));
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
