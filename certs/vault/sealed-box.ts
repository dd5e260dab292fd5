/**
 * Encrypts what must not lie around in the clear (AES-256-GCM, NIST SP 800-38D) and notices when it was changed or moved:
 * a sealed value opens for the context it was sealed for alone. It names its key, so that keys can be changed while values
 * of both are about. No key and no plain text is ever in a message.
 *
 * A sealed value: "tgseal", version (1 octet), key id (4), length of the context (2), context, nonce (12), encrypted text,
 * tag (16). All before the nonce is authenticated too. In base64 it begins with {@link SEALED_PREFIX}.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { TidegateError } from '#core/errors';
import { KEY_BYTES, makeKeyFile, readKeyFile, writeKeyFile } from './key-file.ts';

const CIPHER = 'aes-256-gcm';
const MAGIC = Buffer.from('tgseal\x01', 'latin1');
/** What every sealed value begins with in base64 and base64url, whatever comes after. */
export const SEALED_PREFIX = MAGIC.subarray(0, 6).toString('base64');
const KEY_ID_BYTES = 4;
const KEY_ID_AT = MAGIC.length;
const LENGTH_AT = KEY_ID_AT + KEY_ID_BYTES;
const CONTEXT_AT = LENGTH_AT + 2;
const CONTEXT_BYTES_MAX = 0xff_ff;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface SealedBoxOptions {
  /** Made with a new key when it is not there. */
  readonly file: string;
  /** Taken instead, and never made: an operator keeps the key elsewhere. */
  readonly given?: string | null;
}

interface Key {
  readonly id: string;
  readonly octets: Buffer;
  readonly secret: KeyObject;
}

interface Parts {
  readonly keyId: string;
  readonly context: string;
  /** All before the nonce. */
  readonly header: Buffer;
  readonly nonce: Buffer;
  readonly encrypted: Buffer;
  readonly tag: Buffer;
}

export class SealedBox {
  readonly #file: string;
  readonly #keys = new Map<string, Key>();
  #current: Key;

  private constructor(file: string) {
    this.#file = file;
    this.#current = this.#read();
  }

  /** @throws TidegateError `vault.key_file` */
  static open({ file, given = null }: SealedBoxOptions): SealedBox {
    if (given === null) makeKeyFile(file);
    return new SealedBox(given ?? file);
  }

  /** Whether there are keys that only decrypt: values are to be sealed anew with the one in force. */
  get hasOldKeys(): boolean {
    return readKeyFile(this.#file).length > 1;
  }

  /** @param context what the value is for; the same words open it */
  seal(plain: Buffer, context: string): Uint8Array {
    const words = Buffer.from(context);
    if (words.length > CONTEXT_BYTES_MAX) throw sealedFault('the context is too long');
    const header = Buffer.alloc(CONTEXT_AT + words.length);
    MAGIC.copy(header);
    header.write(this.#current.id, KEY_ID_AT, 'hex');
    header.writeUInt16BE(words.length, LENGTH_AT);
    words.copy(header, CONTEXT_AT);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#current.secret, nonce, { authTagLength: TAG_BYTES }).setAAD(header);
    return Buffer.concat([header, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  /** @throws TidegateError `vault.sealed` when the key is not known, or value or context are not what was sealed */
  unseal(sealed: Uint8Array, context: string): Buffer {
    const parts = partsOf(sealed);
    if (parts.context !== context)
      throw sealedFault(`what was sealed for ${parts.context} does not open for ${context}`);
    const key = this.#keys.get(parts.keyId) ?? this.#reread(parts);
    try {
      const decipher = createDecipheriv(CIPHER, key.secret, parts.nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(parts.header).setAuthTag(parts.tag);
      return Buffer.concat([decipher.update(parts.encrypted), decipher.final()]);
    } catch (error) {
      throw sealedFault(`what was sealed for ${context} has been changed`, error);
    }
  }

  /** Sealed with the key in force. */
  isCurrent(sealed: Uint8Array): boolean {
    return partsOf(sealed).keyId === this.#current.id;
  }

  /** The same, for the same context, sealed with the key in force. @throws TidegateError `vault.sealed` */
  reseal(sealed: Uint8Array): Uint8Array {
    const { context } = partsOf(sealed);
    return this.seal(this.unseal(sealed, context), context);
  }

  /**
   * Seals with this key from now on; what older keys have sealed opens still.
   * @param key 32 octets
   * @throws TidegateError `vault.key_file` when the file cannot be written: nothing has changed then
   */
  adopt(key: Buffer): void {
    if (key.length !== KEY_BYTES) throw new TidegateError('vault.key_file', `a key has ${KEY_BYTES} octets`);
    writeKeyFile(this.#file, [key, ...readKeyFile(this.#file).filter((one) => !one.equals(key))]);
    this.#current = this.#read();
  }

  /** Takes keys that only decrypt out of the file; this box keeps them as long as it lives. @throws TidegateError `vault.key_file` */
  dropOldKeys(): void {
    writeKeyFile(this.#file, [this.#current.octets]);
  }

  /** The first key of the file; all are known from now on. */
  #read(): Key {
    const keys = readKeyFile(this.#file).map((octets) => ({
      id: idOf(octets),
      octets,
      secret: createSecretKey(octets),
    }));
    for (const key of keys) this.#keys.set(key.id, key);
    return keys[0] as Key;
  }

  /** Another process may have changed the key. */
  #reread({ keyId, context }: Parts): Key {
    this.#current = this.#read();
    const key = this.#keys.get(keyId);
    if (key === undefined) throw sealedFault(`the key ${keyId} that ${context} was sealed with is not in the key file`);
    return key;
  }
}

function partsOf(sealed: Uint8Array): Parts {
  const all = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  const isSealed = all.length >= CONTEXT_AT && all.subarray(0, MAGIC.length).equals(MAGIC);
  const nonceAt = isSealed ? CONTEXT_AT + all.readUInt16BE(LENGTH_AT) : 0;
  const encryptedAt = nonceAt + NONCE_BYTES;
  if (!isSealed || all.length < encryptedAt + TAG_BYTES) throw sealedFault('this is no sealed value');
  return {
    keyId: all.toString('hex', KEY_ID_AT, LENGTH_AT),
    context: all.toString('utf8', CONTEXT_AT, nonceAt),
    header: all.subarray(0, nonceAt),
    nonce: all.subarray(nonceAt, encryptedAt),
    encrypted: all.subarray(encryptedAt, all.length - TAG_BYTES),
    tag: all.subarray(all.length - TAG_BYTES),
  };
}

/** A hash says which key it is, and nothing about it. */
function idOf(octets: Buffer): string {
  const hash = createHash('sha256').update('tidegate key id').update(octets);
  return hash.digest().toString('hex', 0, KEY_ID_BYTES);
}

function sealedFault(words: string, cause?: unknown): TidegateError {
  return new TidegateError('vault.sealed', words, { cause });
}
