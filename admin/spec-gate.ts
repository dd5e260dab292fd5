/**
 * What stands between a spec and the store: its labels have to read, and the tenant has to be allowed all of it, within
 * what its plan leaves. One gate for every way in.
 */
import { admit } from '#apps/admission';
import type { AdmissionRules } from '#apps/admission-judge';
import { amountsBetween, amountsOf, type ScaleWish, type SetAmounts } from '#apps/amounts';
import type { SetKey } from '#core/set';
import type { SetSpec } from '#core/set-spec';
import { readDeclared } from '#discovery/declared-set';
import type { AmountChanges } from '#tenants/quotas';
import type { Scope } from './access.ts';
import type { PlanGate } from './plan-gate.ts';
import type { Fault } from './problem.ts';

export interface SpecGateOptions {
  readonly baseDomain: string;
  readonly rules: (scope: Scope) => AdmissionRules;
  readonly plan: PlanGate;
  /** What was asked for beside the spec. */
  readonly setting: (key: SetKey) => ScaleWish | null;
}

/** A set as it is and as it is to be. */
export interface SetChange {
  readonly key: SetKey;
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
      ...this.#unlimited(scope, spec),
      ...rejections.map(({ label, message }) => ({ pointer: at(label), code: 'bad_value', detail: message })),
      ...unknown.map(({ label, message }) => ({ pointer: at(label), code: 'unknown', detail: message })),
    ];
  }

  /** What a set takes of the plan, beside what it has already. */
  askedBy({ key, before, after, isNewApp }: SetChange): AmountChanges {
    const wish = this.#options.setting(key);
    const more = amountsBetween(before === null ? NOTHING : amountsOf(before, wish), amountsOf(after, wish));
    return { apps: isNewApp ? 1 : 0, sets: before === null ? 1 : 0, ...more };
  }

  #unlimited(scope: Scope, { resources }: SetSpec): Fault[] {
    const limited = this.#options.plan.limited(scope);
    return (['cpu', 'memory'] as const).flatMap((name) => {
      if (!limited[name] || resources[name] !== null) return [];
      const detail = `The plan of the tenant limits ${name}: say how much the set is to have.`;
      return [{ pointer: `/resources/${name}`, code: 'missing', detail }];
    });
  }
}

const NOTHING: SetAmounts = { replicas: 0, cpu: 0, memory: 0 };
