/** Endpoint of the key that everything at rest is encrypted with: it can be changed, and never be read. */
import { z } from '@hono/zod-openapi';
import { type Endpoints, NOTHING } from './endpoint.ts';
import type { AdminPorts } from './ports.ts';
import { Problem } from './problem.ts';

const RotationShape = z
  .object({
    rotated: z.literal(true),
    ms: z.number().openapi({ description: 'How long it took to encrypt everything anew.' }),
  })
  .openapi('KeyRotation');

export function addEncryptionKey(endpoints: Endpoints, { certificates, clock }: AdminPorts): void {
  endpoints.add(
    {
      method: 'post',
      path: '/v1/encryption-key/rotate',
      id: 'rotateEncryptionKey',
      summary: 'Encrypts everything at rest with a new key, which goes first in the key file; keep a copy of that file',
      needs: 'operator',
      params: NOTHING,
      query: NOTHING,
      body: null,
      answer: RotationShape,
      problems: ['unavailable'],
    },
    async () => {
      if (certificates === undefined) {
        return new Problem('unavailable', { detail: 'Nothing is kept encrypted here.' });
      }
      const startedAt = clock.now();
      await certificates.rotateKey();
      return { rotated: true as const, ms: Math.round(clock.now() - startedAt) };
    },
  );
}
