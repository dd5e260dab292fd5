/** A revision as the API shows it. */
import { z } from '@hono/zod-openapi';
import type { SetRecord } from '#apps/app-record';
import type { Revision } from '#core/set-spec';
import { SetInput, setInputJson } from './set-input.ts';

export const RevisionShape = z
  .object({
    name: z.string().openapi({ example: 'r3' }),
    number: z.number().int(),
    set: z.string(),
    current: z.boolean().openapi({ description: 'It is in force.' }),
    created_at: z.string().openapi({ format: 'date-time' }),
    proved_at: z
      .string()
      .nullable()
      .openapi({ format: 'date-time', description: 'When a deployment of it succeeded; null: none has.' }),
    by: z.string(),
    cause: z.string(),
    images: z.array(
      z.object({ index: z.number().int(), reference: z.string(), id: z.string(), digest: z.string().nullable() }),
    ),
    secrets: z.array(z.string()).openapi({ description: 'Names alone.' }),
    spec: SetInput,
  })
  .openapi('Revision');

export function revisionJson(set: SetRecord, revision: Revision): z.input<typeof RevisionShape> {
  const { name, number, createdAt, provedAt = createdAt, by, cause, images, secrets, spec } = revision;
  return {
    ...{ name, number, by, cause, set: set.name, current: number === set.current, secrets: [...secrets] },
    created_at: new Date(createdAt).toISOString(),
    proved_at: provedAt === null ? null : new Date(provedAt).toISOString(),
    images: Object.entries(images).map(([index, image]) => ({ index: Number(index), ...image })),
    spec: setInputJson(spec),
  };
}
