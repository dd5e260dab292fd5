/** The shape of a line of log in the API. */
import { z } from '@hono/zod-openapi';
import { LOG_KINDS } from '#logs/log-line';
import type { SetLine } from '#logs/log-page';

export const LogLineShape = z
  .object({
    id: z.string().openapi({ example: 'web:1204' }),
    at: z.string().openapi({ format: 'date-time', description: 'When it was written, to the nanosecond.' }),
    set: z.string(),
    replica: z.string().openapi({ example: 'local/4f2a…' }),
    name: z.string().openapi({ description: 'Of the replica.' }),
    member: z.string().nullable().openapi({ description: 'Container of the replica; null: it has only one.' }),
    revision: z.string().nullable(),
    stream: z
      .enum(LOG_KINDS)
      .openapi({ description: '`gap`: the text is by Tidegate and says why lines are missing here.' }),
    text: z.string(),
    cut: z.boolean().openapi({ description: 'The line was longer than 16 KiB.' }),
  })
  .openapi('LogLine');

export function lineJson({ id, at, set, source, stream, text, cut }: SetLine): z.input<typeof LogLineShape> {
  const { replica, name, member, revision } = source;
  return { id: `${set}:${id}`, at, set, replica, name, member, revision, stream, text, cut };
}
