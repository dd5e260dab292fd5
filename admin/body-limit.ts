/**
 * Bodies up to a size, whether or not their length is said beforehand. In place of Hono's own limit, which makes a new
 * Request of one that did not say it: that fails behind the listener, whose requests are none of the global class.
 */
import type { MiddlewareHandler } from 'hono';

/** @param refuse the answer to a larger one */
export function bodyLimit(bytesMax: number, refuse: (path: string) => Response): MiddlewareHandler {
  return async (c, next) => {
    const declared = c.req.header('content-length');
    const isStreamed = c.req.header('transfer-encoding') !== undefined;
    if (declared !== undefined && !isStreamed) {
      if (Number(declared) > bytesMax) return refuse(c.req.path);
      return next();
    }
    const { body } = c.req.raw;
    if (body === null) return next();
    const bytes = await readUpTo(body, bytesMax);
    if (bytes === null) return refuse(c.req.path);
    // A promise, as Hono itself keeps it: an empty text would be taken for none.
    Object.assign(c.req.bodyCache, { text: Promise.resolve(bytes.toString()) });
    return next();
  };
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
