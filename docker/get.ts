/**
 * A GET in full, for the calls that dockerode offers without a signal: a deadline must be able to end any request.
 */
import type Docker from 'dockerode';

/** The parsed answer, whatever it is. Rejects as dockerode's own calls do. */
export function get(docker: Docker, path: string, abortSignal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    docker.modem.dial({ path, method: 'GET', abortSignal, statusCodes: { 200: true } }, (error, answer) => {
      if (error) reject(error);
      else resolve(answer);
    });
  });
}
