/**
 * Where WebSockets come in: one path, for who holds a ticket. A page of another origin is refused, although it could not
 * have a ticket.
 */
import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { TidegateError } from '#core/errors';
import { EXEC_PROTOCOL } from '#core/exec-protocol';
import { EXEC_PATH } from './exec.ts';
import { runExecSession } from './exec-session.ts';
import type { ExecOrder, ExecTickets } from './exec-tickets.ts';
import type { AdminPorts } from './ports.ts';

const MESSAGE_BYTES_MAX = 1_048_576;

type Ports = Pick<AdminPorts, 'exec' | 'clock' | 'log'>;

export class ExecDoor {
  readonly #ports: Ports;
  readonly #tickets: ExecTickets;
  readonly #closing: AbortSignal;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MESSAGE_BYTES_MAX,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(EXEC_PROTOCOL) ? EXEC_PROTOCOL : false),
  });
  readonly #sessions = new Set<Promise<void>>();

  /** @param closing ends every session */
  constructor(ports: Ports, tickets: ExecTickets, closing: AbortSignal) {
    this.#ports = ports;
    this.#tickets = tickets;
    this.#closing = closing;
  }

  /** Takes an upgrade of the listener. */
  readonly take = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', () => socket.destroy());
    const url = URL.parse(request.url ?? '', 'http://localhost');
    const found = this.#orderOf(url, request);
    if (typeof found === 'number') {
      refuse(socket, found);
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (client) => this.#begin(client, found));
  };

  /** Resolves when every command is over. */
  async closed(): Promise<void> {
    await Promise.all(this.#sessions);
  }

  /** What the ticket is for, or the status of the refusal. */
  #orderOf(url: URL | null, request: IncomingMessage): ExecOrder | number {
    if (url?.pathname !== EXEC_PATH) return 404;
    if (this.#closing.aborted) return 503;
    if (!isOwnOrigin(request)) return 403;
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
    if (!offered.includes(EXEC_PROTOCOL)) return 400;
    return this.#tickets.redeem(url.searchParams.get('ticket') ?? '') ?? 401;
  }

  #begin(socket: WebSocket, order: ExecOrder): void {
    const { exec, clock, log } = this.#ports;
    const { principal, tenant, app, set, replica, host, containerId, options } = order;
    const facts = { by: principal.id, tenant, app, set, replica, exec: options.mark };
    log.info('a command runs in a container', facts);
    const session = runExecSession({
      socket,
      start: () => {
        const engine = exec?.engine(host) ?? null;
        if (engine === null)
          throw new TidegateError('engine.not_found', 'the host of the container is not known any more');
        return engine.exec(containerId, options);
      },
      touch: () => exec?.touch(replica),
      ...{ clock, log },
      endings: [this.#closing, principal.ended],
    })
      .catch((error: unknown) => log.error('a command in a container failed', { ...facts, error }))
      .finally(() => {
        this.#sessions.delete(session);
        log.info('a command in a container is over', facts);
      });
    this.#sessions.add(session);
  }
}

/** A browser says from which page it asks; other clients say nothing. */
function isOwnOrigin({ headers }: IncomingMessage): boolean {
  if (headers.origin === undefined) return true;
  return URL.parse(headers.origin)?.host === headers.host;
}

function refuse(socket: Duplex, status: number): void {
  const body = `${STATUS_CODES[status]}\n`;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
