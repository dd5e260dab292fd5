/**
 * The listening sockets of all processes. The supervisor binds them and holds them for as long as it lives; children
 * inherit them and accept. A connection that waits in a socket's queue is nobody's until it is accepted, so none is lost
 * when a child dies, and a new generation accepts from the same queue.
 */
import { lookup } from 'node:dns/promises';
import net, { isIP } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { TidegateError } from '#core/errors';
import type { ListenAddress } from '#core/settings';
import { LISTENERS, type ListenerName, type SharedListeners } from './roles.ts';

/** Bound, not listening: what Node's own cluster module makes its shared sockets with. */
interface BoundHandle {
  readonly fd: number;
  getsockname(into: { port?: number }): number;
  close(): void;
}
type CreateHandle = (host: string, port: number, family: number, fd: number, flags: number) => BoundHandle | number;

/** Descriptors 0 to 2 are the standard ones, 3 is the channel to the supervisor. */
const FIRST_FD = 4;
/** How often one control can begin again before it is cheaper to start another one. */
const SPARES = 8;

export class SharedSockets {
  readonly #handles: BoundHandle[] = [];
  readonly #addresses: { readonly name: ListenerName; readonly address: ListenAddress }[] = [];

  /** @throws TidegateError `listener.in_use`, `listener.denied` */
  async open(wanted: Readonly<Record<ListenerName, ListenAddress | null>>): Promise<void> {
    for (const name of LISTENERS) {
      const address = wanted[name];
      if (address !== null) await this.#bind(name, address);
    }
  }

  /** As a child inherits them: descriptors in the order in which it is to be given them. */
  get descriptors(): number[] {
    return this.#handles.map((one) => one.fd);
  }

  /** To be given to control behind the others: {@link spares} are their numbers there. */
  get spareDescriptors(): number[] {
    const admin = this.#handles[this.#addresses.findIndex(({ name }) => name === 'admin')];
    return admin === undefined ? [] : Array.from({ length: SPARES }, () => admin.fd);
  }

  get spares(): number[] {
    return this.spareDescriptors.map((_, i) => FIRST_FD + this.#handles.length + i);
  }

  /** As a child finds them. */
  get listeners(): SharedListeners {
    return Object.fromEntries(this.#addresses.map(({ name, address }, i) => [name, { ...address, fd: FIRST_FD + i }]));
  }

  close(): void {
    for (const handle of this.#handles.splice(0)) handle.close();
  }

  async #bind(name: ListenerName, { host, port }: ListenAddress): Promise<void> {
    const { _createServerHandle: create } = net as unknown as { _createServerHandle: CreateHandle };
    const ip = isIP(host) === 0 ? (await lookup(host)).address : host;
    const handle = create(ip, port, isIP(ip), -1, 0);
    if (typeof handle === 'number') throw bindFault(handle, `${host}:${port}`);
    const bound: { port?: number } = {};
    const fault = handle.getsockname(bound);
    if (fault !== 0) {
      handle.close();
      throw bindFault(fault, `${host}:${port}`);
    }
    this.#handles.push(handle);
    this.#addresses.push({ name, address: { host, port: bound.port ?? port } });
  }
}

function bindFault(status: number, where: string): Error {
  const name = getSystemErrorName(status);
  if (name === 'EADDRINUSE') return new TidegateError('listener.in_use', `${where} is taken by another process`);
  if (name === 'EACCES') return new TidegateError('listener.denied', `this user may not listen on ${where}`);
  return new Error(`cannot listen on ${where}: ${name}`);
}
