/**
 * One order from its first step to the chain, each step kept before the next one needs it: whoever goes on after a crash
 * finds the order at the authority and the key at home, and asks for nothing twice.
 */
import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { crypto, type Order } from 'acme-client';
import type { Clock } from '#core/clock';
import type { SealedBox } from '../vault/sealed-box.ts';
import { AcmeFault } from './acme-fault.ts';
import type { AcmeSession } from './acme-session.ts';
import type { ChallengeSolver } from './challenge-solver.ts';
import type { OpenOrder } from './issuance-record.ts';

const ISSUED_WITHIN_MS = 300_000;
const FIRST_LOOK_MS = 50;
const LAST_LOOK_MS = 5000;
const RSA_BITS = 2048;

const makeKeyPair = promisify(generateKeyPair);

export type OrderKeyType = 'ecdsa' | 'rsa';

export interface OrderRunOptions {
  readonly session: AcmeSession;
  readonly solver: ChallengeSolver;
  readonly box: SealedBox;
  readonly clock: Clock;
  readonly keyType: OrderKeyType;
  /** What the authority calls the certificate that is renewed; null: there is none, or it has no name for it. */
  readonly replaces: string | null;
  /** Called once, when the authority has taken a new order. */
  readonly onOrdered: () => Promise<void>;
  /** Keeps the order; resolves when it is kept. */
  readonly save: (order: OpenOrder | null) => Promise<void>;
}

export interface Issued {
  /** PEM. */
  readonly chain: string;
  readonly key: string;
}

/**
 * @param open an order to go on with; null: a new one
 * @throws AcmeFault with what the authority says
 */
export async function runOrder(
  names: readonly string[],
  open: OpenOrder | null,
  options: OrderRunOptions,
  signal: AbortSignal,
): Promise<Issued> {
  const { session, solver, box } = options;
  let kept = open;
  let order: Order | null = kept === null ? null : await resumed(kept, session);
  if (kept !== null && order === null) {
    // A new one has to pass what comes before an order.
    await options.save(null);
    throw new AcmeFault({ type: 'order_over', detail: 'the order is over', status: 403, retryAfterMs: null });
  }
  if (order === null || kept === null) {
    order = await session.newOrder(names, options.replaces);
    const sealed = box.seal(Buffer.from(await newKey(options.keyType)), keyContext(names));
    kept = { url: order.url, ca: session.directory, key: Buffer.from(sealed).toString('base64') };
    await options.save(kept);
    await options.onOrdered();
  }
  const key = box.unseal(Buffer.from(kept.key, 'base64'), keyContext(names)).toString();
  try {
    if (order.status === 'pending') {
      for (const authorization of await session.authorizations(order)) {
        await solver.solve(session, authorization, signal);
      }
      order = await until(order, ['ready', 'processing', 'valid'], options, signal);
    }
    if (order.status === 'ready') {
      const [, csr] = await crypto.createCsr({ altNames: [...names] }, key);
      order = await session.finalize(order, csr);
    }
    if (order.status !== 'valid') order = await until(order, ['valid'], options, signal);
    return { chain: await session.certificate(order), key };
  } catch (error) {
    // An order that the authority has judged is over; one that was only interrupted goes on the next time.
    if (error instanceof AcmeFault && (error.isValidation || error.type === 'order_over')) await options.save(null);
    throw error;
  }
}

/** Null: the authority knows it no more, or it is over. */
async function resumed({ url }: OpenOrder, session: AcmeSession): Promise<Order | null> {
  try {
    const order = await session.order(url);
    return order.status === 'invalid' ? null : order;
  } catch (error) {
    if (error instanceof AcmeFault && error.status >= 400 && error.status < 500 && !error.isRateLimit) return null;
    throw error;
  }
}

async function until(
  order: Order,
  states: readonly string[],
  { session, clock }: OrderRunOptions,
  signal: AbortSignal,
): Promise<Order> {
  const end = clock.now() + ISSUED_WITHIN_MS;
  let now = order;
  for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(LAST_LOOK_MS, waitMs * 2)) {
    if (states.includes(now.status)) return now;
    if (now.status === 'invalid') {
      const error = (now as { error?: { type?: string; detail?: string } }).error;
      const type = error?.type?.split(':').at(-1) ?? 'order_over';
      throw new AcmeFault({
        type,
        detail: error?.detail ?? 'the order is invalid',
        status: 403,
        retryAfterMs: null,
        isVerdict: true,
      });
    }
    if (clock.now() > end) {
      const detail = `the order is ${now.status} and does not get any further`;
      throw new AcmeFault({ type: 'serverInternal', detail, status: 504, retryAfterMs: null });
    }
    await session.wait(waitMs, signal);
    now = { ...(await session.order(order.url)), url: order.url };
  }
}

function keyContext(names: readonly string[]): string {
  return `order ${names.join(',')}`;
}

async function newKey(type: OrderKeyType): Promise<string> {
  const { privateKey } =
    type === 'rsa'
      ? await makeKeyPair('rsa', { modulusLength: RSA_BITS })
      : await makeKeyPair('ec', { namedCurve: 'prime256v1' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
