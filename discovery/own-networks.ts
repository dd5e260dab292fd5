/**
 * The Docker networks of the gateway itself, when it runs in a container: which addresses of other containers it can
 * reach depends on them.
 */
import { isTidegateError } from '#core/errors';
import type { Engine } from '#docker/engine';

/** Docker names a container's host after the first digits of its id. */
const OWN_ID = /^[0-9a-f]{12}$/;

/**
 * Names of the networks the gateway's own container is connected to; null: it runs on the host, or in the host's
 * network, and reaches all of them.
 * @param hostname of this process
 */
export async function ownNetworks(engine: Engine, hostname: string): Promise<readonly string[] | null> {
  if (!OWN_ID.test(hostname)) return null;
  try {
    const own = await engine.inspect(hostname);
    return own.networkMode === 'host' ? null : own.networks.map((network) => network.name);
  } catch (error) {
    if (isTidegateError(error)) return null;
    throw error;
  }
}
