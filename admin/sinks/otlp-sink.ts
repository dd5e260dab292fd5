/** Metrics over HTTP to a collector of OpenTelemetry. Redirects are not followed: headers hold secrets. */
import { messageOf } from '#core/errors';
import { type OtlpResource, otlpRequest } from './otlp-json.ts';
import type { MetricPicture, MetricSink } from './sink.ts';

const ANSWER_MAX_BYTES = 65_536;

export interface OtlpSinkOptions {
  /** Without `/v1/metrics`. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly resource: OtlpResource;
}

export class OtlpSink implements MetricSink {
  readonly name = 'otlp';
  readonly #options: OtlpSinkOptions;

  constructor(options: OtlpSinkOptions) {
    this.#options = options;
  }

  async send(picture: MetricPicture, signal: AbortSignal): Promise<{ refused: number }> {
    const { endpoint, headers, resource } = this.#options;
    const answer = await fetch(`${endpoint}/v1/metrics`, {
      method: 'POST',
      redirect: 'error',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(otlpRequest(picture, resource)),
      signal,
    }).catch((error: Error) => {
      signal.throwIfAborted();
      throw new Error(messageOf(error.cause ?? error));
    });
    const text = await beginning(answer);
    if (answer.status !== 200) throw new Error(`the collector answered ${answer.status}`);
    return { refused: refusedOf(text) };
  }
}

/** What it says at most; the rest is not read. */
async function beginning(answer: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of answer.body ?? []) {
    parts.push(part);
    bytes += part.length;
    if (bytes > ANSWER_MAX_BYTES) break;
  }
  return Buffer.concat(parts).toString('utf8');
}

/** `ExportMetricsPartialSuccess`; 64-bit integers are text, or a number from those who do not care. */
function refusedOf(text: string): number {
  try {
    const { partialSuccess } = JSON.parse(text) as { partialSuccess?: { rejectedDataPoints?: unknown } };
    const refused = Number(partialSuccess?.rejectedDataPoints ?? 0);
    return Number.isFinite(refused) ? refused : 0;
  } catch {
    return 0;
  }
}
