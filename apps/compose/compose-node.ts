/**
 * YAML as a tree in which every value knows its line. Anchors, aliases and merge keys are resolved; an alias is the very
 * node it stands for, and what merges copy is counted, so that a small text never becomes a large tree.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  parseDocument,
  Scalar,
  type YAMLMap,
} from 'yaml';

/** Entries that merge keys may copy. */
const MERGED_MAX = 20_000;
const DEPTH_MAX = 40;
const PROBLEMS_MAX = 100;
/** Words, marks and spaces of YAML: some 5000 lines. The parser takes a second or so for them, and nobody else is served meanwhile. */
const TOKENS_MAX = 60_000;
const MERGE = '<<';

/** Both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface ComposeProblem extends Place {
  readonly code: string;
  readonly detail: string;
}

export type ComposeNode =
  /** Text as it was written: `1.10` stays `1.10`. Null: nothing, or YAML's null. */
  | { readonly kind: 'scalar'; readonly place: Place; readonly text: string | null }
  | { readonly kind: 'list'; readonly place: Place; readonly items: readonly ComposeNode[] }
  | { readonly kind: 'map'; readonly place: Place; readonly entries: ReadonlyMap<string, ComposeEntry> };

export type ComposeMap = Extract<ComposeNode, { kind: 'map' }>;

export interface ComposeEntry {
  /** Of the key. */
  readonly place: Place;
  readonly value: ComposeNode;
}

export type TreeRead = { readonly root: ComposeNode } | { readonly problems: readonly ComposeProblem[] };

/** Never throws, whatever the text. */
export function readTree(text: string): TreeRead {
  try {
    const large = tooLarge(text);
    return large === null ? new TreeReader(text).read() : { problems: [large] };
  } catch (error) {
    if (error instanceof Refusal) return { problems: [error.problem] };
    // The parser goes down a level for each level of the text.
    if (error instanceof RangeError) return { problems: [tooDeep({ line: 1, column: 1 })] };
    throw error;
  }
}

class Refusal extends Error {
  readonly problem: ComposeProblem;

  constructor(problem: ComposeProblem) {
    super(problem.detail);
    this.problem = problem;
  }
}

class TreeReader {
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #anchors = new Map<string, ComposeNode>();
  #merged = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): TreeRead {
    const document = parseDocument(this.#text, {
      lineCounter: this.#lines,
      logLevel: 'error',
      prettyErrors: false,
      // Looked for here: the parser compares every key with every other.
      uniqueKeys: false,
    });
    const problems = [...document.errors, ...document.warnings].slice(0, PROBLEMS_MAX).map(({ pos, message }) => {
      if (/call stack|stack overflow/i.test(message)) return tooDeep(this.#placeAt(pos[0]));
      const detail = message.split('\n')[0] ?? 'This is no YAML.';
      return { ...this.#placeAt(pos[0]), code: 'bad_yaml', detail: detail.endsWith('.') ? detail : `${detail}.` };
    });
    if (problems.length > 0) return { problems };
    return { root: this.#node(document.contents, { line: 1, column: 1 }, 0) };
  }

  #node(node: Node | null, around: Place, depth: number): ComposeNode {
    if (node === null) return { kind: 'scalar', place: around, text: null };
    const place = node.range == null ? around : this.#placeAt(node.range[0]);
    if (depth > DEPTH_MAX) throw new Refusal(tooDeep(place));
    if (isAlias(node)) {
      // What contains itself has not been read yet.
      const meant = this.#anchors.get(node.source);
      if (meant !== undefined) return meant;
      throw new Refusal({ ...place, code: 'bad_yaml', detail: `There is no anchor &${node.source} before this.` });
    }
    const read = this.#plain(node, place, depth);
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, read);
    return read;
  }

  #plain(node: Node, place: Place, depth: number): ComposeNode {
    if (isSeq(node)) {
      const items = node.items.map((item) => this.#node(item as Node | null, place, depth + 1));
      return { kind: 'list', place, items };
    }
    if (isMap(node)) return this.#map(node, place, depth);
    if (!isScalar(node) || node.value === null) return { kind: 'scalar', place, text: null };
    const isPlain = node.type === Scalar.PLAIN && typeof node.value !== 'string';
    return { kind: 'scalar', place, text: isPlain ? (node.source ?? String(node.value)) : String(node.value) };
  }

  #map(node: YAMLMap, place: Place, depth: number): ComposeNode {
    const own = new Map<string, ComposeEntry>();
    const merged: ComposeNode[] = [];
    for (const { key, value } of node.items) {
      const name = this.#node(key as Node | null, place, depth + 1);
      const read = this.#node(value as Node | null, name.place, depth + 1);
      if (name.kind !== 'scalar') {
        throw new Refusal({ ...name.place, code: 'bad_yaml', detail: 'A key is a text, not a list or a map.' });
      }
      if (name.text === MERGE) merged.push(...(read.kind === 'list' ? read.items : [read]));
      else if (own.has(name.text ?? '')) {
        const detail = `"${(name.text ?? '').slice(0, 64)}" stands here twice.`;
        throw new Refusal({ ...name.place, code: 'repeated', detail });
      } else own.set(name.text ?? '', { place: name.place, value: read });
    }
    if (merged.length === 0) return { kind: 'map', place, entries: own };
    for (const one of merged) {
      if (one.kind !== 'map') {
        throw new Refusal({ ...one.place, code: 'bad_yaml', detail: 'Only maps can be merged with `<<`.' });
      }
      this.#merged += one.entries.size;
      if (this.#merged > MERGED_MAX) {
        const detail = `Its merge keys copy more than ${MERGED_MAX} entries.`;
        throw new Refusal({ ...place, code: 'too_large', detail });
      }
      // What stands there itself goes first, then what is merged first.
      for (const [key, entry] of one.entries) if (!own.has(key)) own.set(key, entry);
    }
    return { kind: 'map', place, entries: own };
  }

  #placeAt(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}

/** Null: the parser can have it. */
function tooLarge(text: string): ComposeProblem | null {
  let tokens = 0;
  let open = 0;
  let line = 1;
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') open++;
    else if (token === ']' || token === '}') open--;
    if (open > DEPTH_MAX) return tooDeep({ line, column: 1 });
    if (++tokens > TOKENS_MAX)
      return { line, column: 1, code: 'too_large', detail: 'A compose file has some 5000 lines at most.' };
    for (let at = token.indexOf('\n'); at >= 0; at = token.indexOf('\n', at + 1)) line++;
  }
  return null;
}

function tooDeep(place: Place): ComposeProblem {
  return { ...place, code: 'too_deep', detail: `It goes down more than ${DEPTH_MAX} levels.` };
}
