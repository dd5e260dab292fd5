/** Addresses and networks as labels name them, and whether a client is of them: by its address, as it came in. */
import { Networks, readNetwork } from '#core/networks';

export class ClientAddresses {
  readonly #networks: Networks;

  /** @param texts addresses and CIDRs */
  constructor(texts: readonly string[]) {
    this.#networks = new Networks(texts.map(readNetwork).filter((one) => one !== null));
  }

  /** False also for what is no address. */
  has(client: string): boolean {
    // The name of an interface says nothing of who it is.
    const zone = client.indexOf('%');
    return this.#networks.has(zone < 0 ? client : client.slice(0, zone));
  }
}
