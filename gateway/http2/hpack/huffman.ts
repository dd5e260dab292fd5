/**
 * The Huffman code of HPACK (RFC 7541 5.2, Appendix B), read four bits at a time: every code has at least five, so a step
 * completes at most one character. What is not padded exactly as the RFC says is refused.
 */

/**
 * Bits of the code of each octet and of EOS (256), as runs `bits×count`. The code is canonical: of codes of one length the
 * smaller octet has the smaller one, and all of them precede the longer ones.
 */
const BITS =
  '13 23 28×7 24 30 28×2 30 28×8 30 28×9 6 10×2 12 13 6 8 11 10×2 8 11 8 6×3 5×3 6×7 7 8 15 6 12 10 13 6 7×22 8 7 8 13 ' +
  '19 13 14 6 15 5 6 5 6 5 6×3 5 7×2 6×3 5 6 7 6 5×2 6 7×5 15 11 14 13 28 20 22 20×2 22×3 23 22 23×5 24 23 24×2 22 23 24 ' +
  '23×4 21 22 23 22 23×2 24 22 21 20 22×2 23×2 21 23 22×2 24 21 22 23×2 21×2 22 21 23 22 23×2 20 22×3 23 22×2 23 26×2 20 ' +
  '19 22 23 22 25 26×3 27×2 26 24 25 19 21 26 27×2 26 27 24 21×2 26×2 28 27×3 20 24 20 21 22 21×2 23 22×2 25×2 24×2 26 23 ' +
  '26 27 26×2 27×5 28 27×5 26 30';

const EOS = 256;
const PADDING_MAX_BITS = 7;

/** One step: the state that follows in the upper bits, flags and the completed octet in the lower ones. */
const COMPLETES = 0x100;
const FAILS = 0x200;
const STATE_SHIFT = 10;

interface Node {
  readonly next: [Node | null, Node | null];
  symbol: number;
  number: number;
  /** The text may end here: the path to it is at most seven bits, all of them ones. */
  ends: boolean;
}

const { steps, ends } = buildSteps();

/** Octets that `bytes` of Huffman code can stand for at most. */
export function huffmanMaxBytes(bytes: number): number {
  return (bytes * 8) / 5;
}

/** Decodes `b[from, to)` into `into`. Returns the number of octets, or -1 when it is no proper Huffman text. */
export function huffmanDecode(b: Uint8Array, from: number, to: number, into: Uint8Array): number {
  let state = 0;
  let at = 0;
  for (let i = from; i < to; i++) {
    const octet = b[i] as number;
    let step = steps[(state << 4) | (octet >> 4)] as number;
    if ((step & COMPLETES) !== 0) into[at++] = step & 0xff;
    let failed = step;
    step = steps[((step >> STATE_SHIFT) << 4) | (octet & 15)] as number;
    if ((step & COMPLETES) !== 0) into[at++] = step & 0xff;
    failed |= step;
    if ((failed & FAILS) !== 0) return -1;
    state = step >> STATE_SHIFT;
  }
  return ends[state] === 1 ? at : -1;
}

/** Bits of each code, by octet and EOS. */
function codeBits(): number[] {
  const bits: number[] = [];
  for (const run of BITS.split(' ')) {
    const [length, count = '1'] = run.split('×');
    for (let i = 0; i < Number(count); i++) bits.push(Number(length));
  }
  return bits;
}

function buildTree(): Node[] {
  const nodes: Node[] = [];
  const add = (ends: boolean): Node => {
    const node: Node = { next: [null, null], symbol: -1, number: nodes.length, ends };
    nodes.push(node);
    return node;
  };
  const root = add(true);
  const bits = codeBits();
  const order = [...bits.keys()].sort((a, b) => (bits[a] as number) - (bits[b] as number) || a - b);
  let code = 0;
  let length = 0;
  for (const symbol of order) {
    const own = bits[symbol] as number;
    code <<= own - length;
    length = own;
    let node = root;
    for (let bit = own - 1; bit >= 0; bit--) {
      const branch = ((code >> bit) & 1) as 0 | 1;
      const depth = own - bit;
      node.next[branch] ??= add(node.ends && branch === 1 && depth <= PADDING_MAX_BITS);
      node = node.next[branch];
    }
    node.symbol = symbol;
    code++;
  }
  return nodes;
}

function buildSteps(): { steps: Uint32Array; ends: Uint8Array } {
  const nodes = buildTree();
  const root = nodes[0] as Node;
  const table = new Uint32Array(nodes.length << 4);
  for (const node of nodes) {
    for (let nibble = 0; nibble < 16; nibble++) table[(node.number << 4) | nibble] = stepFrom(node, nibble, root);
  }
  return { steps: table, ends: Uint8Array.from(nodes, (node) => (node.ends ? 1 : 0)) };
}

function stepFrom(from: Node, nibble: number, root: Node): number {
  let node = from;
  let completed = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = node.next[((nibble >> bit) & 1) as 0 | 1];
    if (next === null || next.symbol === EOS) return FAILS;
    node = next;
    if (next.symbol < 0) continue;
    completed = COMPLETES | next.symbol;
    node = root;
  }
  return (node.number << STATE_SHIFT) | completed;
}
