/** How far a scenario is: one line that changes on a terminal, a line every few seconds elsewhere. */

const EVERY_MS = 5000;

export class ProgressLine implements Disposable {
  readonly #name: string;
  #shownAt = Number.NEGATIVE_INFINITY;

  constructor(name: string) {
    this.#name = name;
  }

  show(text: string): void {
    if (process.stderr.isTTY) {
      process.stderr.write(`\r\u001b[K${this.#name}: ${text}`);
    } else if (performance.now() - this.#shownAt >= EVERY_MS) {
      this.#shownAt = performance.now();
      process.stderr.write(`${this.#name}: ${text}\n`);
    }
  }

  clear(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}
