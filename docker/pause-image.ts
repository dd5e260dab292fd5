/**
 * The image of pause containers as an archive that any Engine loads: one layer with one program, no registry, no build.
 * The same architecture always gives the same bytes, and so the same image.
 *
 * Docker image specification v1.2, "Combined Image JSON + Filesystem Changeset Format".
 */
import { createHash } from 'node:crypto';
import { type PauseArchitecture, pauseProgram } from './pause-program.ts';
import { tar } from './tar.ts';

const REPOSITORY = 'tidegate/pause';
const DIGEST_CHARS = 12;
/** nobody: it needs no right at all. */
const USER = '65534:65534';

export interface PauseImage {
  /** Its tag changes with its content. */
  readonly name: string;
  /** For `docker load`. */
  readonly archive: Buffer;
}

export function pauseImage(architecture: PauseArchitecture): PauseImage {
  const layer = tar([{ path: 'pause', data: pauseProgram(architecture), executable: true }]);
  const config = JSON.stringify({
    architecture,
    os: 'linux',
    config: { Entrypoint: ['/pause'], User: USER, WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
  });
  const name = `${REPOSITORY}:${sha256(config).slice(0, DIGEST_CHARS)}`;
  const manifest = JSON.stringify([{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }]);
  const archive = tar([
    { path: 'manifest.json', data: Buffer.from(manifest) },
    { path: 'config.json', data: Buffer.from(config) },
    { path: 'layer.tar', data: layer },
  ]);
  return { name, archive };
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
