/**
 * Answers that go on: Server-Sent Events (WHATWG HTML, 9.2), one piece after the other at the pace of who reads them.
 */

/** Comments keep proxies from closing a quiet stream; they end most of them after 30 to 60 s. */
export const KEEP_ALIVE_MS = 15_000;
const RECONNECT_AFTER_MS = 2000;

export interface PieceReader {
  /** The next piece of the stream; null: it has ended. */
  next(): Promise<string | null>;
  /** Nobody reads any more. */
  close(): void;
}

export function sentEvents(reader: PieceReader): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let greeting: string | null = `retry: ${RECONNECT_AFTER_MS}\n\n`;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const text = greeting ?? (await reader.next());
        greeting = null;
        if (text === null) controller.close();
        else controller.enqueue(encoder.encode(text));
      },
      cancel() {
        reader.close();
      },
    },
    // Nothing is read ahead: a stream that nobody reads waits for nothing.
    { highWaterMark: 0 },
  );
}

export function acceptsStream(headers: Headers): boolean {
  return (headers.get('accept') ?? '').toLowerCase().includes('text/event-stream');
}

export function streamAnswer(body: ReadableStream<Uint8Array>): Response {
  // X-Accel-Buffering: nginx in front would hold the stream back.
  const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
  return new Response(body, { headers });
}
