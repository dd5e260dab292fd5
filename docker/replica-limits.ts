/**
 * Other limits for members that run, without a restart. Where the Engine refuses one, those of the others are put back.
 */
import type { Log } from '#core/log';
import { REPLICA_LABEL } from '#core/replica-labels';
import type { Containers } from './containers.ts';
import type { EngineClient } from './engine-client.ts';
import type { HostSize, Size } from './host-size.ts';
import type { InspectAnswer } from './inspect.ts';
import { memoryBody, quotaBody } from './replica-bodies.ts';
import { membersAt } from './replica-changes.ts';
import { allOf, type ReplicaMaker } from './replica-maker.ts';
import type { MemberLimits } from './replica-plan.ts';
import { request } from './request.ts';

const UPDATE_MS = 30_000;
const NANOS = 1e9;

export interface ReplicaLimitsOptions {
  readonly client: EngineClient;
  readonly containers: Containers;
  readonly maker: ReplicaMaker;
  readonly size: HostSize;
  readonly log: Log;
}

interface Change {
  readonly id: string;
  readonly wanted: object;
  readonly before: object;
}

export class ReplicaLimits {
  readonly #options: ReplicaLimitsOptions;

  constructor(options: ReplicaLimitsOptions) {
    this.#options = options;
  }

  /** As in {@link HostEngine.resize}. */
  async resize(pauseId: string, limits: readonly MemberLimits[]): Promise<void> {
    const { containers, maker, size, log } = this.#options;
    const pause = await containers.inspect(pauseId);
    const parts = await maker.parts(pause.Config.Labels?.[REPLICA_LABEL] ?? '');
    const host = await size.get();
    const changes = await allOf(
      limits.flatMap((wanted) =>
        membersAt(parts, [wanted.index]).map(async ({ id }) => changeOf(await containers.inspect(id), wanted, host)),
      ),
    );
    const done: Change[] = [];
    try {
      for (const change of changes) {
        await this.#update(change.id, change.wanted);
        done.push(change);
      }
    } catch (error) {
      for (const { id, before } of done.toReversed()) {
        await this.#update(id, before).catch((failure: unknown) => {
          log.warn('a limit could not be put back', { container: id, error: failure });
        });
      }
      throw error;
    }
  }

  async #update(id: string, body: object): Promise<void> {
    const { client, containers } = this.#options;
    await containers.requireOurs(id);
    const path = `/containers/${encodeURIComponent(id)}/update`;
    const call = { name: `update ${id}`, deadlineMs: UPDATE_MS, slow: true, isAboutOneContainer: true };
    await client.call(call, (docker, signal) => request(docker, { method: 'POST', path, body }, signal));
  }
}

/** The Engine cannot take a limit off a container: all that the host has is as good. */
function changeOf({ Id: id, HostConfig: has }: InspectAnswer, wanted: MemberLimits, host: Size): Change {
  return {
    id,
    wanted: { ...cpuChange(has, wanted.nanoCpus, host), ...memoryChange(has, wanted.memoryBytes, host) },
    before: {
      ...cpuChange(has, has.CpuQuota ? (has.CpuQuota * NANOS) / (has.CpuPeriod || 1) : has.NanoCpus || null, host),
      ...memoryChange(has, has.Memory || null, host),
    },
  };
}

type HasLimits = InspectAnswer['HostConfig'];

function cpuChange(has: HasLimits, nanoCpus: number | null, host: Size): object {
  const most = host.cores * NANOS;
  // Cores and quota exclude each other for the life of a container.
  if (has.CpuQuota) return quotaBody(nanoCpus ?? most);
  return { NanoCpus: Math.min(nanoCpus ?? most, most) };
}

function memoryChange(has: HasLimits, bytes: number | null, host: Size): object {
  if (bytes === null && !has.Memory) return {};
  return memoryBody(bytes ?? host.memoryBytes);
}
