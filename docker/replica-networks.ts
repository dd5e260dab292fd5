/**
 * The networks that a replica is in beside what it is created with, and those that went away while it slept: whoever
 * prunes networks, or removes an app that a set was linked with, must not keep a replica from waking.
 */
import { isTidegateError, messageOf } from '#core/errors';
import { INSTANCE_LABEL } from '#core/replica-labels';
import type { Containers } from './containers.ts';
import type { EngineClient } from './engine-client.ts';
import { isRefusal } from './engine-error.ts';
import { type NetworkEndpoint, networkModeFrom } from './inspect.ts';
import type { Networks } from './networks.ts';
import type { NetworkPlace } from './replica-plan.ts';
import { request } from './request.ts';

const CHANGE_MS = 30_000;
const SHORT_ID_LENGTH = 12;
/** Labels of a network, as on every container of its app. */
const NETWORK_LABELS = ['tidegate.tenant', 'tidegate.app', INSTANCE_LABEL];

export interface ReplicaNetworksOptions {
  readonly client: EngineClient;
  readonly containers: Containers;
  readonly networks: Networks;
}

export class ReplicaNetworks {
  readonly #client: EngineClient;
  readonly #containers: Containers;
  readonly #networks: Networks;

  constructor({ client, containers, networks }: ReplicaNetworksOptions) {
    this.#client = client;
    this.#containers = containers;
    this.#networks = networks;
  }

  async join(pauseId: string, { name, aliases }: NetworkPlace): Promise<void> {
    await this.#change('connect', name, { Container: pauseId, EndpointConfig: { Aliases: aliases } });
  }

  /** Leaving one that it is not in, or that is gone, is no error. */
  async leave(pauseId: string, name: string): Promise<void> {
    try {
      await this.#change('disconnect', name, { Container: pauseId, Force: true });
    } catch (error) {
      if (!isRefusal(error, 404) && !/is not connected/.test(messageOf(error))) throw error;
    }
  }

  /** Whether a start failed because of a network that is not there. */
  isLost(error: unknown): boolean {
    return isTidegateError(error, 'engine.refused') && /\bnetwork \S+ not found/i.test(messageOf(error));
  }

  /** For a pause container that is down: its own network is made again, those of others are left if they are gone. */
  async mend(pauseId: string): Promise<void> {
    const pause = await this.#containers.inspect(pauseId);
    const own = networkModeFrom(pause);
    const labels = pause.Config.Labels ?? {};
    for (const [name, endpoint] of Object.entries(pause.NetworkSettings?.Networks ?? {})) {
      let id = await this.#networks.idOf(name);
      if (id !== null && id === endpoint?.NetworkID) continue;
      if (id === null && name === own) {
        const known = NETWORK_LABELS.flatMap((label) => (labels[label] ? [[label, labels[label]]] : []));
        id = await this.#networks.ensure({ name, labels: Object.fromEntries(known) });
      }
      await this.#change('disconnect', name, { Container: pauseId, Force: true });
      if (id !== null) await this.join(pauseId, { name, aliases: aliasesOf(pauseId, endpoint) });
    }
  }

  async #change(verb: 'connect' | 'disconnect', network: string, body: object): Promise<void> {
    const path = `/networks/${encodeURIComponent(network)}/${verb}`;
    const call = { name: `${verb} ${network}`, deadlineMs: CHANGE_MS, slow: true };
    await this.#client.call(call, (docker, signal) => request(docker, { method: 'POST', path, body }, signal));
  }
}

/** Without the one that the Engine gives every container. */
function aliasesOf(pauseId: string, endpoint: NetworkEndpoint | null | undefined): string[] {
  return (endpoint?.Aliases ?? []).filter((alias) => alias !== pauseId.slice(0, SHORT_ID_LENGTH));
}
