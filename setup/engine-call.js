/**
 * One call to a Docker Engine over its unix socket, for set-up, where dockerode may not be installed yet. A call always
 * ends: with an answer, or with an error when the deadline passes.
 */
import http from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const CALL_MS = 10_000;

/**
 * @typedef {{ readonly status: number, readonly body: string }} Answer
 * @typedef {object} Call
 * @property {string} [method]
 * @property {unknown} [json] a body, sent as JSON
 * @property {AsyncIterable<Uint8Array>} [tar] a body, sent as a tar archive
 * @property {number} [timeoutMs] for the whole call
 */

/**
 * @param {string} socketPath
 * @param {string} path
 * @param {Call} [call]
 * @returns {Promise<Answer>}
 * @throws {Error} when nothing answers in time (`code` as given by the system, or `ABORT_ERR`)
 */
export async function engineCall(socketPath, path, { method = 'GET', json, tar, timeoutMs = CALL_MS } = {}) {
  const signal = AbortSignal.timeout(timeoutMs);
  const type = tar ? 'application/x-tar' : 'application/json';
  const request = http.request({ socketPath, path, method, signal, agent: false, headers: { 'content-type': type } });
  const answered = new Promise((resolve, reject) => {
    request.on('response', async (response) => {
      try {
        let body = '';
        for await (const text of response.setEncoding('utf8')) body += text;
        resolve({ status: response.statusCode ?? 0, body });
      } catch (error) {
        reject(error);
      }
    });
    request.on('error', reject);
  });
  // An Engine may answer (with a refusal) and close before it has read the whole body: then the answer is what counts.
  if (tar) pipeline(Readable.from(tar), request).catch((error) => request.destroy(error));
  else request.end(json === undefined ? undefined : JSON.stringify(json));
  return answered;
}

/**
 * The last error that a stream of progress messages (build, import) reports; `undefined` when it went well.
 * @param {Answer} answer
 * @returns {string | undefined}
 */
export function progressError({ status, body }) {
  const lines = body.split('\n').filter((line) => line.startsWith('{'));
  const messages = lines.map((line) => JSON.parse(line)).map(({ error, message }) => error ?? message);
  const error = messages.findLast((message) => typeof message === 'string');
  return error ?? (status < 300 ? undefined : `status ${status}`);
}
