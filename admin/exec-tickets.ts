/**
 * Tickets: each lets whoever holds it open one command over a WebSocket, once and soon. A browser cannot send a token with
 * a WebSocket, and a URL is no place for one; a ticket in a log is worth nothing a moment later.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '#core/clock';
import { newId } from '#core/id';
import type { ExecOptions } from '#docker/exec';
import type { Principal } from '#tenants/principal';

export const TICKET_MS = 30_000;
/** Of one that is not used: nobody needs more at a time. */
const TICKETS_MAX = 1000;
const TICKET_BYTES = 24;

/** What is to run, and where. */
export interface ExecOrder {
  readonly principal: Principal;
  readonly tenant: string;
  readonly app: string;
  readonly set: string;
  /** As in ReplicaSnapshot. */
  readonly replica: string;
  readonly host: string;
  readonly containerId: string;
  readonly options: ExecOptions;
}

interface Issued {
  readonly order: ExecOrder;
  /** Monotonic, ms. */
  readonly until: number;
}

export class ExecTickets {
  readonly #clock: Clock;
  readonly #random: (size: number) => Uint8Array;
  /** By hash of the ticket, oldest first. */
  readonly #issued = new Map<string, Issued>();

  constructor(clock: Clock, random: (size: number) => Uint8Array) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Marks the processes of a command. */
  mark(): string {
    return newId('exe', this.#clock.wall(), this.#random);
  }

  issue(order: ExecOrder): string {
    const now = this.#clock.now();
    for (const [hash, { until }] of this.#issued) {
      if (until > now && this.#issued.size < TICKETS_MAX) break;
      this.#issued.delete(hash);
    }
    const ticket = Buffer.from(this.#random(TICKET_BYTES)).toString('base64url');
    this.#issued.set(hashOf(ticket), { order, until: now + TICKET_MS });
    return ticket;
  }

  /** Null: it is none, was used, came too late, or the token that it was issued to is in force no more. */
  redeem(ticket: string): ExecOrder | null {
    const hash = hashOf(ticket);
    const issued = this.#issued.get(hash);
    this.#issued.delete(hash);
    if (issued === undefined || issued.until <= this.#clock.now()) return null;
    return issued.order.principal.ended.aborted ? null : issued.order;
  }
}

function hashOf(ticket: string): string {
  return createHash('sha256').update(ticket).digest('base64url');
}
