/**
 * Where an Engine listens and how it is dialled. Only what is given here counts: dockerode would otherwise take parts of
 * the address from DOCKER_HOST and its kin, so every option it reads from there is set.
 */
import http from 'node:http';
import https from 'node:https';
import { inspect } from 'node:util';
import Docker from 'dockerode';
import { messageOf, TidegateError } from '#core/errors';

/** PEM texts for mutual TLS. */
export interface EngineCerts {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Idle connections kept for the next call. */
const KEPT_CONNECTIONS = 8;
const MAX_PORT = 65_535;

export class Endpoint {
  readonly url: string;
  /** The Engine may run on this machine: its processes and cgroups may be ours to see. */
  readonly local: boolean;
  readonly #address: object;
  readonly #agent: http.Agent;

  /**
   * @param url `unix:///path` or `tcp://host:port`, the latter with certs
   * @throws TidegateError `config.invalid`
   */
  constructor(url: string, certs?: EngineCerts) {
    const unix = /^unix:\/\/(\/.+)$/.exec(url);
    const tcp = /^tcp:\/\/([^/:]+):(\d{1,5})$/.exec(url);
    this.url = url;
    this.local = unix !== null;
    // As many connections as there are calls: a call that hangs must not make the next one wait.
    const pool = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, maxFreeSockets: KEPT_CONNECTIONS };
    if (unix !== null) {
      this.#agent = terse(new http.Agent(pool));
      this.#address = { protocol: 'http', socketPath: unix[1], ...NO_HOST, ...NO_CERTS };
    } else if (tcp !== null && certs !== undefined && Number(tcp[2]) <= MAX_PORT) {
      this.#agent = terse(new https.Agent(pool));
      this.#address = { protocol: 'https', host: tcp[1], port: Number(tcp[2]), ...certs };
    } else {
      const problem = tcp === null ? 'is neither unix:///path nor tcp://host:port' : 'needs a port and TLS material';
      throw new TidegateError('config.invalid', `the Engine endpoint "${url}" ${problem}`);
    }
  }

  /** A client that speaks one API version (`1.41`), or none in particular where `null`. */
  client(version: string | null): Docker {
    const options = {
      ...this.#address,
      agent: this.#agent,
      pathPrefix: '/',
      timeout: undefined,
      version: version === null ? undefined : `v${version}`,
    };
    try {
      return new Docker(options);
    } catch (error) {
      // The address is ours, but a DOCKER_HOST that cannot be read stops dockerode all the same.
      throw new TidegateError('config.invalid', `DOCKER_HOST: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Ends the idle connections. */
  close(): void {
    this.#agent.destroy();
  }
}

const NO_HOST = { host: undefined, port: undefined };
const NO_CERTS = { ca: undefined, cert: undefined, key: undefined };

/**
 * For every call dockerode makes a debug text of all options, down to the last socket of the agent, whether it is read
 * or not: with a hundred connections that is 60 ms a call. An agent that is described by its name costs nothing.
 */
function terse(agent: http.Agent): http.Agent {
  return Object.assign(agent, { [inspect.custom]: () => 'Agent' });
}
