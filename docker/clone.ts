/**
 * Makes a container with the configuration of another. It has joined all its networks when it is handed out; where that
 * fails, nothing is left behind.
 */
import { isTidegateError } from '#core/errors';
import type { Log } from '#core/log';
import { type EndpointConfig, planClone } from './clone-plan.ts';
import type { Containers } from './containers.ts';
import type { CloneOptions } from './engine.ts';
import type { EngineClient } from './engine-client.ts';
import { isRefusal } from './engine-error.ts';
import { get } from './get.ts';
import type { InspectAnswer } from './inspect.ts';
import type { Ownership } from './ownership.ts';

const READ_MS = 5000;
const CREATE_MS = 30_000;
const JOIN_MS = 30_000;

export interface ClonerOptions {
  readonly client: EngineClient;
  readonly containers: Containers;
  readonly ownership: Ownership;
  readonly log: Log;
}

export class Cloner {
  readonly #client: EngineClient;
  readonly #containers: Containers;
  readonly #ownership: Ownership;
  readonly #log: Log;

  constructor({ client, containers, ownership, log }: ClonerOptions) {
    this.#client = client;
    this.#containers = containers;
    this.#ownership = ownership;
    this.#log = log;
  }

  /** As in {@link Engine.clone}. */
  async clone(id: string, options: CloneOptions): Promise<string> {
    await this.#containers.requireOurs(id);
    const original = await this.#containers.inspect(id);
    const plan = planClone(original, await this.#imageOf(original), options);
    const cloneId = await this.#create(plan.name, plan.body);
    this.#ownership.saw(cloneId, plan.body.Labels);
    try {
      for (const { network, endpoint } of plan.joins) await this.#join(cloneId, network, endpoint);
    } catch (error) {
      await this.#containers.remove(cloneId).catch((failure: unknown) => {
        this.#log.warn('a clone that could not join its networks is left behind', { clone: cloneId, error: failure });
      });
      throw error;
    }
    return cloneId;
  }

  /** The image's name while it still means the image that the original runs, its id otherwise. */
  async #imageOf(original: InspectAnswer): Promise<string> {
    const id = original.Image ?? '';
    const name = original.Config.Image ?? '';
    if (name === '' || id === '') return name || id;
    const call = { name: `image ${name}`, deadlineMs: READ_MS };
    try {
      const image = await this.#client.call(call, (docker, signal) => get(docker, `/images/${name}/json`, signal));
      return (image as { Id?: unknown } | null)?.Id === id ? name : id;
    } catch (error) {
      if (isTidegateError(error) && isRefusal(error, 404)) return id;
      throw error;
    }
  }

  async #create(name: string, body: object): Promise<string> {
    const call = { name: `create ${name}`, deadlineMs: CREATE_MS, slow: true };
    const created = await this.#client.call(call, (docker, abortSignal) => {
      const request = { _query: { name }, _body: body, abortSignal };
      return docker.createContainer(request);
    });
    return created.id;
  }

  async #join(id: string, network: string, endpoint: EndpointConfig): Promise<void> {
    const call = { name: `connect ${id} to ${network}`, deadlineMs: JOIN_MS, slow: true };
    await this.#client.call(call, (docker, abortSignal) => {
      const request = { Container: id, EndpointConfig: endpoint, abortSignal };
      return docker.getNetwork(encodeURIComponent(network)).connect(request);
    });
  }
}
