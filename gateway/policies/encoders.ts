/**
 * Encoders of bodies, and how many may be at work: each holds some hundred KiB and takes its turns on the few threads that
 * everything else uses too. Beyond that bound bodies go out as they are, which is slower for one and better for all.
 */

import type { BrotliCompress, Gzip, ZstdCompress } from 'node:zlib';
import { constants, createBrotliCompress, createGzip, createZstdCompress } from 'node:zlib';
import type { Coding } from '#core/edge-policy';

export type Encoder = Gzip | BrotliCompress | ZstdCompress;

const ENCODERS_MAX = 256;
/** Quick rather than thorough: the client waits, and so does the processor. */
const GZIP_LEVEL = 5;
const BROTLI_QUALITY = 4;
const ZSTD_LEVEL = 3;
/** 2^18 octets: what an encoder looks back on, and most of what it holds. */
const WINDOW_BITS = 18;

/** The encoders of one gateway. */
export class Encoders {
  #open = 0;

  /** Encoders at work. */
  get open(): number {
    return this.#open;
  }

  /** An encoder, to be given back by `close`; null: there are as many as there may be. */
  take(coding: Coding): Encoder | null {
    if (this.#open >= ENCODERS_MAX) return null;
    this.#open++;
    return make(coding);
  }

  close(encoder: Encoder): void {
    this.#open--;
    encoder.removeAllListeners();
    encoder.on('error', () => {});
    encoder.destroy();
  }
}

/** Makes an encoder hand over what it holds, so that the client can read all that was written so far. */
export function flush(encoder: Encoder, coding: Coding): void {
  if (coding === 'gzip') encoder.flush(constants.Z_SYNC_FLUSH);
  else encoder.flush();
}

function make(coding: Coding): Encoder {
  switch (coding) {
    case 'gzip':
      return createGzip({ level: GZIP_LEVEL });
    case 'br':
      return createBrotliCompress({
        params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY, [constants.BROTLI_PARAM_LGWIN]: WINDOW_BITS },
      });
    case 'zstd':
      return createZstdCompress({
        params: {
          [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL,
          [constants.ZSTD_c_windowLog]: WINDOW_BITS,
        },
      });
  }
}
