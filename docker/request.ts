/**
 * One request to an Engine, for the calls that dockerode offers without a signal, or not as they are needed: a deadline
 * must be able to end any of them, and the answer is what the Engine said, unshaped.
 */
import type Docker from 'dockerode';
import type { RegistryAuth } from './host-engine.ts';

export interface EngineRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Without the version, its parts encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: object;
  /** Sent as it is: a tar archive. */
  readonly file?: Buffer;
  /** For the registry that the Engine asks, in `X-Registry-Auth`. */
  readonly auth?: RegistryAuth | null;
}

const GOOD = { 200: true, 201: true, 204: true } as const;

/** The parsed answer, null when it is empty. Rejects as dockerode's own calls do. */
export function request(docker: Docker, asked: EngineRequest, abortSignal: AbortSignal): Promise<unknown> {
  return dial(docker, asked, { abortSignal, statusCodes: { ...GOOD } });
}

/** An answer as it comes. Who does not read it to its end has to end it. */
export type EngineBytes = AsyncIterable<Buffer> & { destroy(): void };

/** The answer as it comes: progress, logs. It breaks with the signal. */
export async function requestStream(
  docker: Docker,
  asked: EngineRequest,
  abortSignal: AbortSignal,
): Promise<EngineBytes> {
  const stream = await dial(docker, asked, { abortSignal, statusCodes: { ...GOOD }, isStream: true });
  return stream as EngineBytes;
}

/** A value of the Engine's `filters`. */
export function filters(wanted: Readonly<Record<string, readonly string[]>>): { readonly filters: string } {
  return { filters: JSON.stringify(wanted) };
}

function dial(docker: Docker, asked: EngineRequest, options: object): Promise<unknown> {
  const { method, path, query = {}, body, file, auth = null } = asked;
  const dialled = {
    method,
    path: `${path}?${new URLSearchParams(query)}`,
    // The query stands in the path already, whose last character dockerode would take off if it were given nothing; it
    // sends no body that is empty.
    options: { _query: {}, _body: body ?? {} },
    ...(file === undefined ? {} : { file }),
    ...(auth === null ? {} : { authconfig: auth }),
    ...options,
  };
  return new Promise((resolve, reject) => {
    docker.modem.dial(dialled as Parameters<typeof docker.modem.dial>[0], (error, answer) => {
      if (error) reject(error);
      else resolve(answer ?? null);
    });
  });
}
