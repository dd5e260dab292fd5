/** From the Engine's words to ours: an image as inspected. */
import type { Healthcheck } from '#core/set-spec';
import type { EngineImage } from './host-engine.ts';
import { familiarName, type ImageReference } from './image-reference.ts';

type Maybe<T> = T | null | undefined;

/** The answer to an image inspect, as far as we read it. Go sends null for an empty list or map. */
interface ImageAnswer {
  readonly Id: string;
  readonly RepoDigests?: Maybe<readonly string[]>;
  readonly Config?: Maybe<{
    readonly ExposedPorts?: Maybe<Readonly<Record<string, unknown>>>;
    readonly Entrypoint?: Maybe<readonly string[]>;
    readonly Cmd?: Maybe<readonly string[]>;
    readonly User?: Maybe<string>;
    readonly Volumes?: Maybe<Readonly<Record<string, unknown>>>;
    readonly Healthcheck?: Maybe<HealthcheckAnswer>;
  }>;
}

/** Times in ns; 0 is the Engine's default. */
interface HealthcheckAnswer {
  readonly Test?: Maybe<readonly string[]>;
  readonly Interval?: Maybe<number>;
  readonly Timeout?: Maybe<number>;
  readonly Retries?: Maybe<number>;
  readonly StartPeriod?: Maybe<number>;
}

const NS_PER_MS = 1e6;
/** What the Engine takes where an image does not say. */
const DEFAULT_MS = 30_000;
const DEFAULT_RETRIES = 3;

/** Null when it is no image. */
export function imageFrom(answer: unknown, reference: ImageReference): EngineImage | null {
  if (typeof answer !== 'object' || answer === null || typeof (answer as ImageAnswer).Id !== 'string') return null;
  const { Id: id, RepoDigests, Config: config } = answer as ImageAnswer;
  return {
    id,
    digest: digestFrom(RepoDigests ?? [], reference),
    exposedPorts: Object.keys(config?.ExposedPorts ?? {})
      .flatMap((port) => /^(\d{1,5})(?:\/tcp)?$/.exec(port)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b),
    entrypoint: config?.Entrypoint ?? [],
    cmd: config?.Cmd ?? [],
    user: config?.User ?? '',
    healthcheck: healthcheckFrom(config?.Healthcheck),
    volumes: Object.keys(config?.Volumes ?? {}),
  };
}

/** An image may have come from several registries: the one that was asked for counts. */
function digestFrom(digests: readonly string[], { repository }: ImageReference): string | null {
  const wanted = familiarName(repository);
  return digests.find((digest) => digest.startsWith(`${wanted}@`)) ?? digests[0] ?? null;
}

function healthcheckFrom(answer: Maybe<HealthcheckAnswer>): Healthcheck | null {
  const test = answer?.Test ?? [];
  if (test.length === 0 || test[0] === '' || test[0] === 'NONE') return null;
  return {
    test: test[0] === 'CMD' ? test.slice(1) : test,
    intervalMs: (answer?.Interval || DEFAULT_MS * NS_PER_MS) / NS_PER_MS,
    timeoutMs: (answer?.Timeout || DEFAULT_MS * NS_PER_MS) / NS_PER_MS,
    retries: answer?.Retries || DEFAULT_RETRIES,
    startPeriodMs: (answer?.StartPeriod || 0) / NS_PER_MS,
  };
}
