/** One child process of the supervisor: forked from the code on disk, told orders, heard reports, followed to its end. */
import { type ChildProcess, fork } from 'node:child_process';
import type { Assignment, Order, Report } from './roles.ts';
import type { SharedSockets } from './shared-listeners.ts';

export type Role = 'control' | 'worker';

export interface ChildOptions {
  /** The program, which finds its role in its arguments. */
  readonly program: string;
  readonly role: Role;
  readonly n: number;
  readonly sockets: SharedSockets;
  readonly onReport: (report: Report) => void;
  /** It ended. `how`: exit code or signal, in words. */
  readonly onExit: (how: string) => void;
}

export class Child {
  readonly role: Role;
  readonly n: number;
  readonly #process: ChildProcess;
  readonly gone: Promise<void>;
  #isGone = false;
  /** Why it was killed; null: it was not. */
  #why: string | null = null;
  /** Reports so far. */
  heard = 0;

  constructor(options: ChildOptions) {
    const { program, role, n, sockets, onReport, onExit } = options;
    this.role = role;
    this.n = n;
    const isControl = role === 'control';
    const spares = isControl ? { spares: sockets.spares } : {};
    const assignment: Assignment = { n, listeners: sockets.listeners, ...spares };
    const child = fork(program, [role, JSON.stringify(assignment)], {
      serialization: 'advanced',
      stdio: [
        ...(['ignore', 'inherit', 'inherit', 'ipc'] as const),
        ...sockets.descriptors,
        ...(isControl ? sockets.spareDescriptors : []),
      ],
    });
    this.#process = child;
    child.on('message', (report) => {
      this.heard++;
      onReport(report as Report);
    });
    // A channel that breaks ends the child, which is heard of below.
    child.on('error', (error) => this.kill(error.message));
    this.gone = new Promise((resolve) => {
      const ended = (how: string): void => {
        if (this.#isGone) return;
        this.#isGone = true;
        onExit(how);
        resolve();
      };
      child.on('exit', (code, signal) => ended(this.#why ?? (signal === null ? `exit code ${code}` : signal)));
      child.on('error', (error) => child.pid === undefined && ended(error.message));
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  tell(order: Order): void {
    if (!this.#isGone && this.#process.connected) this.#process.send(order, () => {});
  }

  /** Ends it at once. `why`: what its end is put down to. */
  kill(why: string | null = null): void {
    this.#why ??= why;
    this.#process.kill('SIGKILL');
  }
}
