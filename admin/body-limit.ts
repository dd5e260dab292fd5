/**
 * Bodies up to a size, whether or not their length is said beforehand. In place of Hono's own limit, which makes a new
 * Request of one that did not say it: that fails behind the listener, whose requests are none of the global class.
 */
import type { Context } from 'hono';

/** Null: there is more. @throws when it does not arrive whole */
export async function textUpTo(c: Context, bytesMax: number): Promise<string | null> {
  const declared = c.req.header('content-length');
  const isStreamed = c.req.header('transfer-encoding') !== undefined;
  if (declared !== undefined && !isStreamed) return Number(declared) > bytesMax ? null : c.req.text();
  const { body } = c.req.raw;
  return body === null ? '' : ((await readUpTo(body, bytesMax))?.toString() ?? null);
}

/** Null: there is more. */
async function readUpTo(body: ReadableStream<Uint8Array>, bytesMax: number): Promise<Buffer | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > bytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
