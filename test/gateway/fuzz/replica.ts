/**
 * The replica of the fuzzer: Node's parser reads every octet that reaches it. It sorts what it saw by the client it came
 * from, which the gateway names in X-Forwarded-For and nobody else can.
 */
import { createServer, type Socket } from 'node:net';
import { sightOf } from '../strictness/byte-log.ts';
import { NodeReader, type ReadMessage } from '../strictness/node-reader.ts';
import { serve, type TestServer } from '../support/upstreams.ts';

export class FuzzReplica {
  readonly server: TestServer;
  /** Whole requests by the address of their client, since the client last took them. */
  readonly #seen = new Map<string, ReadMessage[]>();
  /** What cannot be: unreadable octets, requests of no client. */
  readonly oddities: string[] = [];
  /** Octets to answer a target with, in place of the plain answer; the connection ends behind them. */
  readonly answers = new Map<string, string>();

  private constructor(server: TestServer) {
    this.server = server;
  }

  static async start(): Promise<FuzzReplica> {
    const replicas: FuzzReplica[] = [];
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => replicas[0]?.accept(socket));
    const replica = new FuzzReplica(await serve(server));
    replicas.push(replica);
    return replica;
  }

  accept(socket: Socket): void {
    const logged: Buffer[] = [];
    const reader = new NodeReader('request', {
      declines: true,
      onWhole: (request) => {
        reader.messages.length = 0;
        // Who has said its last word reads nothing more: such a request is sent again on another connection.
        if (!socket.writableEnded) this.#onRequest(request, socket);
      },
    });
    socket.on('error', () => {});
    socket.on('data', (octets) => {
      if (!reader.isInside) logged.length = 0;
      logged.push(octets);
      reader.read(octets);
      if (reader.error === '') return;
      this.oddities.push(
        `the replica could not read ${JSON.stringify(Buffer.concat(logged).toString('latin1'))}: ${reader.error}`,
      );
      socket.destroy();
    });
    socket.on('end', () => socket.end());
    socket.on('close', () => reader.close());
  }

  /** What came from a client since the last call. */
  take(client: string): ReadMessage[] {
    const seen = this.#seen.get(client);
    this.#seen.delete(client);
    return seen ?? [];
  }

  /** Lets go of what nobody will take. */
  forget(): void {
    this.#seen.clear();
  }

  #onRequest(request: ReadMessage, socket: Socket): void {
    const client = fieldOf(request, 'x-forwarded-for');
    if (client === null) this.oddities.push(`a request of no client: ${JSON.stringify(request)}`);
    else {
      const seen = this.#seen.get(client);
      if (seen === undefined) this.#seen.set(client, [request]);
      else seen.push(request);
    }
    const answer = this.answers.get(request.target);
    if (answer !== undefined) {
      socket.end(answer, 'latin1');
      return;
    }
    const text = sightOf(request);
    socket.write(
      `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${request.method === 'HEAD' ? '' : text}`,
      'latin1',
    );
  }
}

/** The one value of a field (name in lower case); null if there is none or more than one. */
export function fieldOf({ fields }: ReadMessage, name: string): string | null {
  let value: string | null = null;
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i]?.toLowerCase() !== name) continue;
    if (value !== null) return null;
    value = fields[i + 1] ?? '';
  }
  return value;
}
