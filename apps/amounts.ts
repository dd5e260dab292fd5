/** How much of what plans limit a set may come to: all its replicas, at the most that spec and scale let there be. */
import type { SetSpec } from '#core/set-spec';

export interface SetAmounts {
  readonly replicas: number;
  /** Cores. */
  readonly cpu: number;
  /** Bytes. */
  readonly memory: number;
}

/** What a person asked for beside the spec; null follows it. */
export interface ScaleWish {
  readonly min: number | null;
  readonly max: number | null;
  readonly replicas: number | null;
}

export function amountsOf(spec: SetSpec, wish: ScaleWish | null): SetAmounts {
  const { 'tidegate.scale.max': max = 1, 'tidegate.scale.min': min = 1 } = spec.labels;
  const counts = [Number(max), Number(min), wish?.max ?? 0, wish?.min ?? 0, wish?.replicas ?? 0];
  const replicas = Math.max(1, ...counts.filter(Number.isFinite));
  const { cpu, memory } = spec.resources;
  return { replicas, cpu: (cpu ?? 0) * replicas, memory: (memory ?? 0) * replicas };
}

/** How much more the one is than the other. */
export function amountsBetween(now: SetAmounts, next: SetAmounts): SetAmounts {
  return { replicas: next.replicas - now.replicas, cpu: next.cpu - now.cpu, memory: next.memory - now.memory };
}
