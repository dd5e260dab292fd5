/** The deployments of all apps as they are kept: found by app and by set, and written together with their operations. */
import { messageOf } from '#core/errors';
import type { SetSpec } from '#core/set-spec';
import type { DocumentChange } from '#store/store';
import type { AppLibrary } from './app-library.ts';
import { appId, type SetRecord } from './app-record.ts';
import { endOf, operationOf } from './deployment-operation.ts';
import { DEPLOYMENT_KIND, type DeploymentRecord, hasEnded } from './deployment-record.ts';
import type { Operations } from './operations.ts';
import type { AppsPorts } from './ports.ts';
import { wishBefore, wishInForce } from './wish-in-force.ts';

/** Kept of one app, with those that run. */
const DEPLOYMENTS_KEPT = 50;

export interface DeploymentBookOptions {
  readonly ports: Pick<AppsPorts, 'store' | 'emit' | 'log'>;
  readonly library: AppLibrary;
  readonly operations: Operations;
}

export class DeploymentBook {
  readonly #options: DeploymentBookOptions;
  readonly #records = new Map<string, DeploymentRecord>();
  /** The same by app, and there by id. Asked of every set that is shown: nobody walks those of all tenants for one. */
  readonly #ofApps = new Map<string, Map<string, DeploymentRecord>>();

  constructor(options: DeploymentBookOptions) {
    this.#options = options;
  }

  /** Reads what is kept. @throws TidegateError of the `store.` family */
  async load(): Promise<void> {
    for (const { body } of await this.#options.ports.store.documents(DEPLOYMENT_KIND)) {
      this.took(body as DeploymentRecord);
    }
  }

  /** Oldest first. */
  all(): readonly DeploymentRecord[] {
    return [...this.#records.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  byId(id: string): DeploymentRecord | null {
    return this.#records.get(id) ?? null;
  }

  get(tenant: string, app: string, id: string): DeploymentRecord | null {
    const found = this.#records.get(id);
    return found !== undefined && found.tenant === tenant && found.app === app ? found : null;
  }

  /** Newest first. */
  list(tenant: string, app: string): readonly DeploymentRecord[] {
    const found = this.#ofApps.get(appId(tenant, app))?.values() ?? [];
    return [...found].sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  /** One that has not ended and is about a set; null: none is. */
  movingOf(tenant: string, app: string, set: string): DeploymentRecord | null {
    const isAbout = (one: DeploymentRecord): boolean => one.turns.some((turn) => turn.set === set);
    return this.list(tenant, app).find((one) => !hasEnded(one.state) && isAbout(one)) ?? null;
  }

  /** The newest about a set that came to an end of its own, good or bad; null: none did. */
  lastAttempt({ tenant, app, name }: Pick<SetRecord, 'tenant' | 'app' | 'name'>): DeploymentRecord | null {
    const isOver = ({ state, error }: DeploymentRecord): boolean =>
      state === 'succeeded' || (hasEnded(state) && error !== null);
    const isAbout = ({ turns }: DeploymentRecord): boolean => turns.some((turn) => turn.set === name);
    return this.list(tenant, app).find((one) => isOver(one) && isAbout(one)) ?? null;
  }

  /** What the newest that has not ended brings a set to; null: none is about it, or it only makes it anew. */
  wishedOf(tenant: string, app: string, set: string): SetSpec | null {
    return this.#pendingWish(tenant, app, set, null)?.spec ?? null;
  }

  /** @param but id of one that does not count */
  #pendingWish(tenant: string, app: string, set: string, but: string | null) {
    for (const { id, state, turns } of this.list(tenant, app)) {
      const turn = hasEnded(state) || id === but ? undefined : turns.find((one) => one.set === set);
      const number = turn?.revision ?? null;
      const pinned = number === null ? null : this.#options.library.revision(tenant, app, set, number);
      const spec = turn?.spec ?? pinned?.spec ?? null;
      if (spec !== null) return { id, spec };
    }
    return null;
  }

  isMoving(tenant: string, app: string, set: string): boolean {
    return this.movingOf(tenant, app, set) !== null;
  }

  /** Sets as they are wished when one has come to nothing: as they are in force, where nobody wished otherwise since. */
  wishesWithout({ id, tenant, app, turns }: DeploymentRecord): readonly SetRecord[] {
    return turns.flatMap(({ set: name, spec, done }) => {
      const set = done ? null : this.#options.library.set(tenant, app, name);
      if (set === null) return [];
      const other = this.#pendingWish(tenant, app, name, id);
      if (other === null) return wishInForce(this.#options.library, set) ?? [];
      // A newer one begins from what is wished now; what an older one brings is wished again.
      return other.id > id ? [] : [wishBefore(set, { wished: spec ?? set.spec, before: other.spec })];
    });
  }

  /** One that is kept. */
  took(record: DeploymentRecord): void {
    this.#records.set(record.id, record);
    const id = appId(record.tenant, record.app);
    const own = this.#ofApps.get(id) ?? new Map<string, DeploymentRecord>();
    this.#ofApps.set(id, own.set(record.id, record));
  }

  #dropped(id: string): void {
    const record = this.#records.get(id);
    if (record === undefined) return;
    this.#records.delete(id);
    const app = appId(record.tenant, record.app);
    const own = this.#ofApps.get(app);
    own?.delete(id);
    if (own?.size === 0) this.#ofApps.delete(app);
  }

  /** Writes one that is known, and its operation with it. @throws TidegateError of the `store.` family */
  async save(record: DeploymentRecord, also: readonly DocumentChange[] = []): Promise<void> {
    const { operations, ports } = this.#options;
    // One that was dropped stays so, whoever wished something of it meanwhile.
    if (!this.#records.has(record.id)) return;
    const operation = operations.next(record.operation, operationOf(record));
    await ports.store.changeDocuments([
      { kind: DEPLOYMENT_KIND, id: record.id, body: record },
      ...(operation === null ? [] : [operations.change(operation)]),
      ...also,
    ]);
    if (this.#records.has(record.id)) this.took(record);
    if (operation !== null) operations.took(operation);
    if (hasEnded(record.state)) ports.emit(endOf(record));
  }

  /** @throws TidegateError of the `store.` family */
  async drop(id: string): Promise<void> {
    await this.#options.ports.store.changeDocuments([{ kind: DEPLOYMENT_KIND, id, drop: true }]);
    this.#dropped(id);
  }

  /** Drops the oldest of those that have ended. */
  async prune({ tenant, app }: DeploymentRecord): Promise<void> {
    const old = this.list(tenant, app)
      .filter((one) => hasEnded(one.state))
      .slice(DEPLOYMENTS_KEPT);
    if (old.length === 0) return;
    try {
      await this.#options.ports.store.changeDocuments(old.map(({ id }) => ({ kind: DEPLOYMENT_KIND, id, drop: true })));
      for (const { id } of old) this.#dropped(id);
    } catch (error) {
      this.#options.ports.log.warn('old deployments could not be dropped', { error: messageOf(error) });
    }
  }
}
