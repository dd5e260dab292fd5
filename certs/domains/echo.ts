/**
 * Whether a certificate authority that comes to validate would reach us: asks every address that a hostname resolves to for
 * an answer that only we can give. Tried before an order, because an authority counts the tries that fail.
 */
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { ChallengeBoard } from '../challenges.ts';
import type { Diagnosis } from '../dns/diagnosis.ts';

const ANSWER_MS = 5000;
const BODY_MAX_BYTES = 1024;

export interface EchoOptions {
  readonly board: ChallengeBoard;
  /** Tried in this order; the first is the one an authority uses. */
  readonly ports: readonly number[];
  /** Whether an authority could come to the address; others are not knocked at. */
  readonly isReachable: (address: string) => boolean;
}

/** Empty: every address is ours. */
export async function echo(
  hostname: string,
  addresses: readonly string[],
  { board, ports, isReachable }: EchoOptions,
): Promise<readonly Diagnosis[]> {
  const inward = inwardFault(hostname, addresses, isReachable);
  if (inward !== null) return [inward];
  const token = `tidegate-${randomBytes(16).toString('hex')}`;
  const answer = `${token}.${randomBytes(16).toString('hex')}`;
  await board.showHttp(token, answer);
  try {
    const all = await Promise.all(addresses.map((address) => echoOf({ hostname, address, token, answer }, ports)));
    return all.filter((one) => one !== null);
  } finally {
    board.hideHttp(token);
  }
}

/** What is wrong with addresses that no authority comes to; null: they can all be reached. */
export function inwardFault(
  hostname: string,
  addresses: readonly string[],
  isReachable: EchoOptions['isReachable'],
): Diagnosis | null {
  const address = addresses.find((one) => !isReachable(one));
  if (address === undefined) return null;
  return {
    code: 'http.port_unreachable',
    detail: `${hostname} resolves to ${address}, which no public authority can reach.`,
    fix: `Point ${hostname} at a public address.`,
  };
}

interface Shout {
  readonly hostname: string;
  readonly address: string;
  readonly token: string;
  readonly answer: string;
}

async function echoOf(shout: Shout, ports: readonly number[]): Promise<Diagnosis | null> {
  const heard: (string | null)[] = [];
  for (const port of ports) {
    const text = await ask(shout, port);
    if (text === shout.answer) return null;
    heard.push(text);
  }
  const { hostname, address } = shout;
  const [port] = ports;
  if (heard.every((text) => text === null)) {
    return {
      code: 'http.port_unreachable',
      detail: `Nothing answers on port ${port} of ${address}, where ${hostname} points.`,
      fix: `Open port ${port} of ${address} to this gateway: the operator forwards it to the plain listener (TIDEGATE_HTTP).`,
    };
  }
  return {
    code: 'http.wrong_answer',
    detail: `Something else answers on port ${port} of ${address}, where ${hostname} points.`,
    fix: `Point ${hostname} here alone, or take away what answers before this gateway on ${address}.`,
  };
}

/** Null: nobody answers. */
function ask({ hostname, address, token }: Shout, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const asked = request(
      {
        host: address,
        port,
        path: `/.well-known/acme-challenge/${token}`,
        headers: { host: hostname.replace(/^\*\./, '') },
        agent: false,
        timeout: ANSWER_MS,
        signal: AbortSignal.timeout(2 * ANSWER_MS),
      },
      (response) => {
        let text = '';
        response.setEncoding('latin1').on('data', (part: string) => {
          text += part;
          if (text.length > BODY_MAX_BYTES) response.destroy();
        });
        response.on('close', () => resolve(text));
      },
    );
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(null));
    asked.end();
  });
}
