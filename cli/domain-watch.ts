/**
 * Has a domain checked until it is as wanted or time is over. It never asks more often than the gateway allows, and takes
 * what the gateway finds by itself in the meantime.
 */
import { pause } from '#core/clock';
import type { Domain } from './answers.ts';
import type { Api } from './api.ts';
import { CommandFailure } from './command-failure.ts';
import { domainPath } from './domain-path.ts';
import { EXIT } from './exit-codes.ts';
import type { World } from './world.ts';

const TOO_MANY_REQUESTS = 429;
/** How often the gateway checks a domain on demand. */
const PAUSE_MS = 5000;

export interface DomainWatchOptions {
  readonly api: Api;
  readonly which: string;
  readonly world: Pick<World, 'clock' | 'interrupted'>;
  readonly isRight: (domain: Domain) => boolean;
  /** 0: one look. */
  readonly waitMs: number;
  /** Told after every look that is not the last. */
  readonly onLook: (domain: Domain, leftMs: number) => void;
}

/** The domain as it was seen last. */
export async function watchDomain(options: DomainWatchOptions): Promise<Domain> {
  const { world, isRight, waitMs, onLook } = options;
  const { clock, interrupted } = world;
  const end = clock.now() + waitMs;
  let last: Domain | null = null;
  for (;;) {
    const looked = await look(options).catch((error: unknown) => {
      // A gateway that starts anew is back soon.
      if (last === null || !(error instanceof CommandFailure) || error.exit !== EXIT.failed) throw error;
      return { domain: last, againMs: PAUSE_MS };
    });
    const { domain, againMs } = looked;
    last = domain;
    const leftMs = end - clock.now();
    if (isRight(domain) || leftMs <= 0) return domain;
    onLook(domain, leftMs);
    if ((await pause(clock, Math.min(againMs, leftMs), interrupted)) === 'aborted') return domain;
  }
}

/** A check, or what the last one found when there was one a moment ago. */
async function look({ api, which }: DomainWatchOptions): Promise<{ domain: Domain; againMs: number }> {
  const path = domainPath(which);
  const answered = await api.ask('POST', `${path}/verify`);
  if (answered.status !== TOO_MANY_REQUESTS) {
    return { domain: api.parsed<Domain>(answered), againMs: PAUSE_MS };
  }
  const seconds = Number(answered.headers.get('retry-after'));
  const againMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : PAUSE_MS;
  return { domain: await api.get<Domain>(path), againMs };
}
