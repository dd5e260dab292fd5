/** The example app as containers of a test Engine. */
import type Docker from 'dockerode';
import type { TestEngine } from './engine.ts';

export const HELLO_PORT = 8080;

export interface HelloOptions {
  readonly name: string;
  /** Default: `tidegate.app` = its name. */
  readonly labels?: Readonly<Record<string, string>>;
  /** See examples/hello/README.md. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: true. */
  readonly start?: boolean;
  /** A user network; default: the Engine's bridge. */
  readonly network?: string;
  /** More of the Engine's own create call. */
  readonly create?: Docker.ContainerCreateOptions;
}

export interface Hello {
  readonly id: string;
  readonly name: string;
  /** Address of the container; empty while it is not running. It may listen a moment later. */
  readonly address: string;
  readonly port: number;
  readonly container: Docker.Container;
}

/** Creates and starts a container of the example app. */
export async function runHello(engine: TestEngine, options: HelloOptions): Promise<Hello> {
  const { name, labels = { 'tidegate.app': name }, env = {}, start = true, network, create = {} } = options;
  const container = await engine.docker.createContainer({
    name,
    Image: await engine.images.hello(),
    Labels: { ...labels },
    Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
    ...create,
    HostConfig: { ...(network === undefined ? {} : { NetworkMode: network }), ...create.HostConfig },
  });
  if (start) await container.start();
  return { id: container.id, name, address: await addressOf(container), port: HELLO_PORT, container };
}

/** Its present address; empty while it is not running. Another after another start, maybe. */
export async function addressOf(container: Docker.Container): Promise<string> {
  const { NetworkSettings } = await container.inspect();
  return Object.values(NetworkSettings.Networks).find(({ IPAddress }) => IPAddress)?.IPAddress ?? '';
}
