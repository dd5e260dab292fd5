/**
 * What stands between a spec and the store: its labels have to read, and the tenant has to be allowed all of it, within
 * what its plan leaves. One gate for every way in.
 */
import type { AdmissionRules } from '#apps/admission';
import { admit } from '#apps/admission';
import type { Also } from '#apps/apps';
import type { SetSpec } from '#core/set-spec';
import { readDeclared } from '#discovery/declared-set';
import { isQuotaExceeded } from '#tenants/quotas';
import type { Scope } from './access.ts';
import type { AdminPorts } from './ports.ts';
import type { Fault, Problem } from './problem.ts';
import { quotaProblem } from './quota-problem.ts';

export interface SpecGateOptions {
  readonly baseDomain: string;
  readonly rules: (scope: Scope) => AdmissionRules;
  /** Left out: nothing is counted. */
  readonly quotas?: NonNullable<AdminPorts['tenancy']>['quotas'] | undefined;
}

/** A set as it is and as it is to be. */
export interface SetChange {
  readonly isNewApp: boolean;
  /** Null: there is none yet. */
  readonly before: SetSpec | null;
  readonly after: SetSpec;
}

export class SpecGate {
  readonly #options: SpecGateOptions;

  constructor(options: SpecGateOptions) {
    this.#options = options;
  }

  /** @param pointers of labels, as far as they came from somewhere in the request */
  faultsOf(
    scope: Scope,
    { app, set }: { readonly app: string; readonly set: string },
    spec: SetSpec,
    pointers: ReadonlyMap<string, string> = new Map(),
  ): readonly Fault[] {
    const { baseDomain, rules } = this.#options;
    const { tenant } = scope;
    const { rejections, unknown } = readDeclared(spec.labels, { tenant, app, set, baseDomain });
    const at = (label: string): string => pointers.get(label) ?? `/labels/${label}`;
    return [
      ...admit(spec, rules(scope)),
      ...rejections.map(({ label, message }) => ({ pointer: at(label), code: 'bad_value', detail: message })),
      ...unknown.map(({ label, message }) => ({ pointer: at(label), code: 'unknown', detail: message })),
    ];
  }

  /** What of the plan is taken, to be kept in the same step; or that there is nothing left. */
  async reserve({ tenant }: Scope, changes: readonly SetChange[]): Promise<Also | Problem> {
    const { quotas } = this.#options;
    if (quotas === undefined) return [];
    const sums = { apps: 0, sets: 0, replicas: 0, cpu: 0, memory: 0 };
    for (const { isNewApp, before, after } of changes) {
      if (isNewApp) sums.apps = 1;
      if (before === null) sums.sets++;
      for (const name of ['replicas', 'cpu', 'memory'] as const) {
        sums[name] += amountsOf(after)[name] - (before === null ? 0 : amountsOf(before)[name]);
      }
    }
    const outcome = await quotas.reserve(tenant, sums);
    return isQuotaExceeded(outcome) ? quotaProblem(outcome) : outcome;
  }

  /** What an app or set gives back of the plan when it goes. */
  async giveBack(tenant: string, specs: readonly SetSpec[], isWholeApp: boolean): Promise<Also> {
    const { quotas } = this.#options;
    if (quotas === undefined) return [];
    const sums = { apps: isWholeApp ? -1 : 0, sets: -specs.length, replicas: 0, cpu: 0, memory: 0 };
    for (const spec of specs) {
      const { replicas, cpu, memory } = amountsOf(spec);
      sums.replicas -= replicas;
      sums.cpu -= cpu;
      sums.memory -= memory;
    }
    const outcome = await quotas.reserve(tenant, sums);
    return isQuotaExceeded(outcome) ? [] : outcome;
  }
}

/** All that its replicas may come to. */
function amountsOf(spec: SetSpec): { readonly replicas: number; readonly cpu: number; readonly memory: number } {
  const max = Number(spec.labels['tidegate.scale.max'] ?? 1);
  const min = Number(spec.labels['tidegate.scale.min'] ?? 1);
  const replicas = Math.max(1, Number.isFinite(max) ? max : 1, Number.isFinite(min) ? min : 1);
  return { replicas, cpu: (spec.resources.cpu ?? 0) * replicas, memory: (spec.resources.memory ?? 0) * replicas };
}
