/**
 * Frozen replicas keep their memory. When a host runs short of it, the set that has been idle the longest gives up its own
 * first, one after the other, until there is enough again.
 */
import { type Clock, pause } from '#core/clock';
import type { HostPressure } from '#core/host-pressure';
import type { SetKey } from '#core/set';

const LOOK_MS = 2000;
/** Below that share memory is short. */
const SHORT_PERCENT = 8;
/** That share is left for those that are waited for. */
const SPARED_PERCENT = 2 * SHORT_PERCENT;
/** Above that share of time in which somebody waited for memory it is short, too. */
const STALLED_PERCENT = 10;

export interface MemoryReliefOptions {
  readonly clock: Clock;
  /** Hosts whose memory can be seen, each with how short it is; null: it cannot be read. */
  readonly hosts: readonly { readonly host: string; readonly pressure: () => HostPressure | null }[];
  /** One set that is frozen there sleeps deeper. Null: there is none. */
  readonly relieve: (host: string, cause: string) => SetKey | null;
  readonly signal: AbortSignal;
}

/** Looks until the signal aborts. */
export async function relieveMemory({ clock, hosts, relieve, signal }: MemoryReliefOptions): Promise<void> {
  while (!signal.aborted) {
    for (const { host, pressure } of hosts) {
      const cause = shortage(pressure());
      // What the last one gave back shows with the next look.
      if (cause !== null) relieve(host, cause);
    }
    await pause(clock, LOOK_MS, signal);
  }
}

/** Bytes that what nobody waits for may take; negative: so much has to be given back. Twice what is short is left alone. */
export function roomBeside(pressure: HostPressure): number {
  const { availableBytes, totalBytes } = pressure;
  if (shortage(pressure) !== null) return -totalBytes;
  return availableBytes - (totalBytes * SPARED_PERCENT) / 100;
}

/** In words; null: there is enough. */
export function shortage(pressure: HostPressure | null): string | null {
  if (pressure === null) return null;
  const { availableBytes, totalBytes, someAvg10 } = pressure;
  const percent = (availableBytes / totalBytes) * 100;
  if (percent < SHORT_PERCENT) return `memory of the host is short: ${percent.toFixed(0)} % are available`;
  if (someAvg10 === null || someAvg10 <= STALLED_PERCENT) return null;
  return `memory of the host is short: it was waited for in ${someAvg10.toFixed(0)} % of the last 10 s`;
}
