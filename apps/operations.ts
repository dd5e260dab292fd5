/**
 * The operations of all tenants: begun, followed and ended here, and kept for a day after their end. What is waited for
 * is told of every change.
 */
import type { Clock } from '#core/clock';
import type { DocumentChange, Store } from '#store/store';
import { isOperationOver, OPERATION_KIND, type OperationRecord, type PullSight } from './operation-record.ts';

const KEPT_MS = 86_400_000;
const SWEEP_MS = 3_600_000;

export type OperationStore = Pick<Store, 'documents' | 'changeDocuments'>;

export interface OperationsOptions {
  readonly store: OperationStore;
  readonly clock: Clock;
  readonly newId: (prefix: string) => string;
}

export type NewOperation = Pick<OperationRecord, 'tenant' | 'app' | 'type' | 'target' | 'by' | 'madeAt'> &
  Partial<Pick<OperationRecord, 'result'>>;

export class Operations {
  readonly #options: OperationsOptions;
  readonly #records = new Map<string, OperationRecord>();
  readonly #pulls = new Map<string, PullSight>();
  readonly #watchers = new Map<string, Set<() => void>>();
  #sweptAt: number;

  private constructor(options: OperationsOptions) {
    this.#options = options;
    this.#sweptAt = options.clock.wall();
  }

  /** @throws TidegateError of the `store.` family */
  static async open(options: OperationsOptions): Promise<Operations> {
    const operations = new Operations(options);
    for (const { id, body } of await options.store.documents(OPERATION_KIND)) {
      operations.#records.set(id, body as OperationRecord);
    }
    return operations;
  }

  get(tenant: string, id: string): OperationRecord | null {
    const found = this.#records.get(id);
    return found !== undefined && found.tenant === tenant ? this.#seen(found) : null;
  }

  /** Newest first. */
  list(tenant: string): readonly OperationRecord[] {
    const found = [...this.#records.values()].filter((one) => one.tenant === tenant);
    return found.sort((a, b) => (a.id < b.id ? 1 : -1)).map((one) => this.#seen(one));
  }

  /** The pull that one waits for now; null: none any more. */
  tellPull(id: string, pull: PullSight | null): void {
    if (pull === null) this.#pulls.delete(id);
    else this.#pulls.set(id, pull);
  }

  #seen(record: OperationRecord): OperationRecord {
    const pull = this.#pulls.get(record.id);
    return pull === undefined || isOperationOver(record.state) ? record : { ...record, pull };
  }

  /** Those that had not ended when Tidegate did. */
  unfinished(): readonly OperationRecord[] {
    return [...this.#records.values()].filter((one) => !isOperationOver(one.state));
  }

  /**
   * A new operation, and what else is to be kept in the same step.
   * @throws TidegateError of the `store.` family, and there is none
   */
  async begin(
    draft: NewOperation,
    also: (id: string) => readonly DocumentChange[] = () => [],
  ): Promise<OperationRecord> {
    const { clock, newId, store } = this.#options;
    await this.#sweep();
    const now = clock.wall();
    const record: OperationRecord = {
      result: null,
      ...draft,
      id: newId('opr'),
      state: 'pending',
      phase: '',
      progress: { done: 0, total: 0 },
      steps: [],
      error: null,
      createdAt: now,
      updatedAt: now,
    };
    await store.changeDocuments([this.change(record), ...also(record.id)]);
    this.took(record);
    return record;
  }

  /** Changes one; what it is beside that stays. One that is over stays as it is. */
  async update(id: string, change: Partial<OperationRecord>): Promise<void> {
    const next = this.next(id, change);
    if (next === null) return;
    await this.#options.store.changeDocuments([this.change(next)]);
    this.took(next);
  }

  /** What one becomes by a change, for whoever keeps it together with something else and says {@link took} then. */
  next(id: string, change: Partial<OperationRecord>): OperationRecord | null {
    const known = this.#records.get(id);
    if (known === undefined || isOperationOver(known.state)) return null;
    return withSteps(known, { ...known, ...change, updatedAt: this.#options.clock.wall() });
  }

  change(record: OperationRecord): DocumentChange {
    return { kind: OPERATION_KIND, id: record.id, body: record };
  }

  /** It is kept. */
  took(record: OperationRecord): void {
    this.#records.set(record.id, record);
    for (const tell of [...(this.#watchers.get(record.id) ?? [])]) tell();
  }

  /** Resolves with the next change of an operation, or when the signal aborts. */
  changed(id: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const watchers = this.#watchers.get(id) ?? new Set();
      this.#watchers.set(id, watchers);
      const done = (): void => {
        signal.removeEventListener('abort', done);
        watchers.delete(done);
        if (watchers.size === 0) this.#watchers.delete(id);
        resolve();
      };
      if (signal.aborted) return done();
      watchers.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  async #sweep(): Promise<void> {
    const now = this.#options.clock.wall();
    if (now - this.#sweptAt < SWEEP_MS) return;
    this.#sweptAt = now;
    const old = [...this.#records.values()].filter(
      (one) => isOperationOver(one.state) && now - one.updatedAt > KEPT_MS,
    );
    if (old.length === 0) return;
    await this.#options.store.changeDocuments(old.map(({ id }) => ({ kind: OPERATION_KIND, id, drop: true })));
    for (const { id } of old) this.#records.delete(id);
  }
}

/** Every phase that was left is a step with its time. */
function withSteps(before: OperationRecord, after: OperationRecord): OperationRecord {
  const over = isOperationOver(after.state);
  if (before.phase === after.phase && !over) return after;
  const since = before.steps.reduce((sum, one) => sum + one.ms, before.createdAt);
  const failed = after.state === 'failed' || after.state === 'canceled';
  const left =
    before.phase === ''
      ? []
      : [
          {
            name: before.phase,
            state: over && failed ? ('failed' as const) : ('done' as const),
            ms: after.updatedAt - since,
          },
        ];
  return { ...after, steps: [...before.steps, ...left] };
}
