/** Gathers what is said within one turn of the event loop and sends it as one message, in the order it was said. */

export class Outbox<T> {
  readonly #send: (mail: readonly T[]) => void;
  #mail: T[] = [];

  constructor(send: (mail: readonly T[]) => void) {
    this.#send = send;
  }

  say(message: T): void {
    this.#mail.push(message);
    if (this.#mail.length === 1) queueMicrotask(() => this.flush());
  }

  /** Sends at once what was said so far. */
  flush(): void {
    const mail = this.#mail;
    if (mail.length === 0) return;
    this.#mail = [];
    this.#send(mail);
  }
}
