/**
 * Asks an OCSP responder over HTTP (RFC 6960 A.1). Its address stands in a certificate that anybody may have made: only
 * addresses that are allowed are called, and no more is read than an answer can be long.
 */
import { type LookupAddress, lookup } from 'node:dns';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';

const CALL_MS = 10_000;
const ANSWER_MAX_BYTES = 100_000;

/**
 * @param isReachable whether an address may be called
 * @throws Error when there is no answer, or none that can be one
 */
export async function callResponder(
  url: string,
  body: Buffer,
  { isReachable, signal }: { readonly isReachable: (address: string) => boolean; readonly signal: AbortSignal },
): Promise<Buffer> {
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') throw new Error(`${protocol} is no way to ask a responder`);
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isReachable(host)) throw new Error(`${host} is not an address that may be asked`);
  const end = AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]);
  return new Promise((resolve, reject) => {
    const request = (protocol === 'http:' ? httpRequest : httpsRequest)(
      url,
      {
        method: 'POST',
        headers: {
          'content-type': 'application/ocsp-request',
          'content-length': body.length,
          accept: 'application/ocsp-response',
        },
        agent: false,
        signal: end,
        lookup: lookupAmong(isReachable),
      },
      (response) => {
        read(response).then(resolve, (error: unknown) => {
          request.destroy();
          reject(error);
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

/** What is resolved is what is called: no second look could say something else. */
function lookupAmong(isReachable: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error !== null) return callback(error, '', 0);
      const found = addresses.filter(({ address }) => isReachable(address));
      const [first] = found;
      if (first === undefined) return callback(new Error(`${hostname} has no address that may be asked`), '', 0);
      return options.all === true ? callback(null, found) : callback(null, first.address, first.family);
    });
  };
}

async function read(response: IncomingMessage): Promise<Buffer> {
  const { statusCode } = response;
  if (statusCode !== 200) throw new Error(`the responder answered ${statusCode}`);
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > ANSWER_MAX_BYTES) throw new Error('the answer is too long');
    parts.push(part);
  }
  return Buffer.concat(parts);
}
