/**
 * Named volumes that Tidegate makes. They hold what tenants want to keep: one without labels of ours is never touched,
 * nor taken for one of ours because it has the name.
 */
import { TidegateError } from '#core/errors';
import type { EngineClient } from './engine-client.ts';
import { isRefusal } from './engine-error.ts';
import type { EngineThing, Removal, ThingPlan } from './host-engine.ts';
import { carriesOurLabel, isOfSameApp } from './ownership.ts';
import { request } from './request.ts';

const READ_MS = 5000;
const CHANGE_MS = 30_000;

export class Volumes {
  readonly #client: EngineClient;

  constructor(client: EngineClient) {
    this.#client = client;
  }

  /** As in {@link HostEngine.ensureVolume}. */
  async ensure({ name, labels }: ThingPlan): Promise<void> {
    const body = { Name: name, Driver: 'local', Labels: labels };
    const call = { name: `create volume ${name}`, deadlineMs: CHANGE_MS, slow: true };
    const answer = await this.#client.call(call, (docker, signal) =>
      request(docker, { method: 'POST', path: '/volumes/create', body }, signal),
    );
    // One that was there is answered as it is, with its own labels.
    const volume = volumeFrom(answer);
    if (volume === null || !isOfSameApp(volume.labels, labels)) throw notOurs(name);
  }

  async remove(name: string): Promise<Removal> {
    const path = `/volumes/${encodeURIComponent(name)}`;
    try {
      const answer = await this.#client.call({ name: `volume ${name}`, deadlineMs: READ_MS }, (docker, signal) =>
        request(docker, { method: 'GET', path }, signal),
      );
      if (!carriesOurLabel(volumeFrom(answer)?.labels ?? {})) throw notOurs(name);
      const call = { name: `remove volume ${name}`, deadlineMs: CHANGE_MS, slow: true };
      await this.#client.call(call, (docker, signal) => request(docker, { method: 'DELETE', path }, signal));
      return 'removed';
    } catch (error) {
      if (isRefusal(error, 404)) return 'gone';
      if (isRefusal(error, 409)) return 'in-use';
      throw error;
    }
  }

  async list(): Promise<readonly EngineThing[]> {
    const answer = await this.#client.call({ name: 'list volumes', deadlineMs: READ_MS }, (docker, signal) =>
      request(docker, { method: 'GET', path: '/volumes' }, signal),
    );
    const lines = (answer as { readonly Volumes?: unknown } | null)?.Volumes;
    const all = Array.isArray(lines) ? lines.flatMap((line: unknown) => volumeFrom(line) ?? []) : [];
    return all.filter(({ labels }) => carriesOurLabel(labels));
  }
}

function volumeFrom(line: unknown): EngineThing | null {
  const { Name: name, Labels: labels } = (line ?? {}) as { Name?: unknown; Labels?: Record<string, string> | null };
  return typeof name === 'string' ? { id: name, name, labels: labels ?? {} } : null;
}

function notOurs(name: string): TidegateError {
  return new TidegateError('engine.not_ours', `the volume ${name} is not of Tidegate, or of another app`);
}
