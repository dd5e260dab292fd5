/**
 * Chunk extensions (RFC 9112 7.1.1), octet by octet. They mean nothing to anyone here and never go on; they are read
 * strictly all the same, because a reader who finds the end of the line elsewhere finds the chunks elsewhere too.
 */
import { CR, FIELD_VALUE, SEMICOLON, SP, TAB, TOKEN } from './octets.ts';

const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

type Place =
  | 'before-semicolon'
  | 'before-name'
  | 'name'
  | 'after-name'
  | 'before-value'
  | 'token'
  | 'quoted'
  | 'escaped'
  | 'after-quoted';

export type ExtensionStep = 'inside' | 'ended' | 'refused';

/** The extensions of one chunk, from the first octet after the size to the CR that ends the line. */
export class ChunkExtension {
  #place: Place = 'before-semicolon';

  /** Starts with the octet after the size: a semicolon, or white space that has to lead to one. */
  start(octet: number): ExtensionStep {
    this.#place = 'before-semicolon';
    return this.step(octet);
  }

  step(octet: number): ExtensionStep {
    const space = octet === SP || octet === TAB;
    switch (this.#place) {
      case 'before-semicolon':
        return space ? 'inside' : this.#move(octet === SEMICOLON, 'before-name');
      case 'before-name':
        return space ? 'inside' : this.#move(TOKEN[octet] === 1, 'name');
      case 'name':
        if (TOKEN[octet] === 1) return 'inside';
        if (octet === EQUALS) return this.#move(true, 'before-value');
        return space ? this.#move(true, 'after-name') : this.#next(octet);
      case 'after-name':
        if (space) return 'inside';
        return octet === EQUALS ? this.#move(true, 'before-value') : this.#move(octet === SEMICOLON, 'before-name');
      case 'before-value':
        if (space) return 'inside';
        return octet === QUOTE ? this.#move(true, 'quoted') : this.#move(TOKEN[octet] === 1, 'token');
      case 'token':
        if (TOKEN[octet] === 1) return 'inside';
        return space ? this.#move(true, 'before-semicolon') : this.#next(octet);
      case 'quoted':
        if (octet === QUOTE) return this.#move(true, 'after-quoted');
        return octet === BACKSLASH ? this.#move(true, 'escaped') : this.#move(FIELD_VALUE[octet] === 1, 'quoted');
      case 'escaped':
        return this.#move(FIELD_VALUE[octet] === 1, 'quoted');
      case 'after-quoted':
        return space ? this.#move(true, 'before-semicolon') : this.#next(octet);
    }
  }

  /** After a complete extension: another one, or the end of the line. */
  #next(octet: number): ExtensionStep {
    if (octet === CR) return 'ended';
    return this.#move(octet === SEMICOLON, 'before-name');
  }

  #move(legal: boolean, place: Place): ExtensionStep {
    this.#place = place;
    return legal ? 'inside' : 'refused';
  }
}
