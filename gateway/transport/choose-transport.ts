/**
 * Which transport serves: the handle where this Node's internals prove to be as expected, the public socket otherwise.
 */
import { messageOf } from '#core/errors';
import type { Log } from '#core/log';
import { handleTransport } from './handle-transport.ts';
import { netTransport } from './net-wire.ts';
import { selfTest } from './self-test.ts';
import type { Transport, TransportKind } from './wire.ts';

/** `auto`: the handle if it passes its test. */
export type TransportChoice = 'auto' | TransportKind;

/**
 * Never fails: whatever is wrong with the handle costs one line in the log.
 * @param test tells what is wrong, or null
 */
export async function chooseTransport(choice: TransportChoice, log: Log, test = selfTest): Promise<Transport> {
  if (choice === 'net') return netTransport;
  const problem = choice === 'auto' ? await test() : null;
  if (problem === null) {
    try {
      return handleTransport();
    } catch (error) {
      return fallBack(log, messageOf(error));
    }
  }
  return fallBack(log, problem);
}

function fallBack(log: Log, problem: string): Transport {
  log.warn('this Node is served on public sockets, which is slower', { node: process.version, problem });
  return netTransport;
}
