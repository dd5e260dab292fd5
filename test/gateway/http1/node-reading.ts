/** How Node's own HTTP parser reads octets, over in-memory connections: the second opinion on what we forward. */
import http from 'node:http';
import { type Duplex, duplexPair } from 'node:stream';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  /** name, value, … as they stood on the wire. */
  readonly fields: readonly string[];
  readonly body: string;
  /** Handed over as an upgrade; `body` is what followed the head. */
  readonly upgrade: boolean;
}

export interface SeenResponse {
  readonly status: number;
  readonly reason: string;
  readonly fields: readonly string[];
  readonly body: string;
  readonly complete: boolean;
}

/** Every request Node finds in `octets`, up to the first it refuses; `error` is the code it refused that with, or ''. */
export async function nodeRequests(octets: Buffer): Promise<{ seen: SeenRequest[]; error: string }> {
  const seen: SeenRequest[] = [];
  let error = '';
  const server = http.createServer((request, response) => {
    const index = seen.push(record(request, false, '')) - 1;
    let body = '';
    request.setEncoding('latin1');
    request.on('data', (part: string) => {
      body += part;
    });
    request.on('end', () => {
      seen[index] = { ...record(request, false, body) };
      response.end();
    });
  });
  server.on('upgrade', (request: http.IncomingMessage, socket: Duplex, rest: Buffer) => {
    seen.push(record(request, true, rest.toString('latin1')));
    socket.destroy();
  });
  server.on('clientError', (fault: NodeJS.ErrnoException, socket: Duplex) => {
    error ||= fault.code ?? fault.message;
    socket.destroy();
  });
  const [client, served] = duplexPair();
  const closed = new Promise((resolve) => served.once('close', resolve));
  client.on('error', () => {});
  client.resume();
  server.emit('connection', served);
  client.end(octets);
  await closed;
  return { seen, error };
}

/** The final response Node finds in `octets`, which end when the upstream closes; or the code it refuses them with. */
export async function nodeResponse(octets: Buffer, method: string): Promise<SeenResponse | string> {
  const [upstream, client] = duplexPair();
  upstream.on('error', () => {});
  upstream.resume();
  const outcome = new Promise<SeenResponse | string>((resolve) => {
    const request = http.request({ method, createConnection: () => client });
    request.on('error', (fault: NodeJS.ErrnoException) => resolve(fault.code ?? fault.message));
    request.on('upgrade', (response, socket, rest) => {
      resolve(answered(response, rest.toString('latin1')));
      socket.destroy();
    });
    request.on('response', (response) => {
      let body = '';
      response.setEncoding('latin1');
      response.on('data', (part: string) => {
        body += part;
      });
      response.on('error', () => {});
      response.on('close', () => resolve(answered(response, body)));
    });
    request.end();
  });
  upstream.end(octets);
  return outcome;
}

function record(request: http.IncomingMessage, upgrade: boolean, body: string): SeenRequest {
  return { method: request.method ?? '', url: request.url ?? '', fields: request.rawHeaders, body, upgrade };
}

function answered(response: http.IncomingMessage, body: string): SeenResponse {
  const { statusCode = 0, statusMessage = '', rawHeaders, complete } = response;
  return { status: statusCode, reason: statusMessage, fields: rawHeaders, body, complete };
}
