/** The module `k6` as far as our scripts use it. No `sleep`: it would stop everything in flight, as it does in k6. */
import type { Tags } from '../metric.ts';
import { session } from '../session.ts';

/** Whether all checks of a value pass; each is a sample of the metric `checks`. */
export function check<T>(value: T, checks: Readonly<Record<string, (value: T) => unknown>>, tags: Tags = {}): boolean {
  let all = true;
  for (const [name, passes] of Object.entries(checks)) {
    const passed = Boolean(passes(value));
    session.sample('checks', passed ? 1 : 0, { check: name, ...tags });
    all &&= passed;
  }
  return all;
}
