/**
 * Writing field lines again: runs of lines that stay are copied as they were read, the others are left out or written
 * anew. What is copied has been walked octet by octet, so the copy has the same single reading.
 */
import { FATE, type FieldLines } from './field-lines.ts';
import { NAME } from './field-names.ts';

/** What stays of a head, beyond its lines' own fate. */
export interface LineChoice {
  /** Lines of fate `hearsay` stay. */
  readonly hearsay: boolean;
  /** Lines of fate `expect` stay. */
  readonly expect: boolean;
  /** Lower-case names to leave out, also where spelled with `_` for `-`; null for none. */
  readonly remove: ReadonlySet<string> | null;
  /** The body leaves in another framing than it came: Content-Length and Transfer-Encoding are left out. */
  readonly reframed?: boolean;
}

/** The head's text from `from` (an index into `lines.text`) with only the lines that stay, each ended by CRLF. */
export function copyLines(lines: FieldLines, from: number, choice: LineChoice): string {
  const { text, base, nameAt, fate, count } = lines;
  const plain = choice.remove === null && choice.reframed !== true;
  let out = '';
  let run = from;
  for (let k = 0; k < count; k++) {
    if (plain && fate[k] === FATE.keep) continue;
    const stays = lineStays(lines, k, choice);
    if (stays && fate[k] === FATE.keep) continue;
    const at = (nameAt[k] as number) - base;
    if (at > run) out += text.slice(run, at);
    if (stays) out += `${lines.nameText(k)}: ${lines.valueText(k)}\r\n`;
    run = (nameAt[k + 1] as number) - base;
  }
  return out + text.slice(run);
}

/** The lines that stay as one flat list of lower-case name, value, …, as HTTP/2 and raw header arrays want them. */
export function listLines(lines: FieldLines, choice: LineChoice): string[] {
  const list: string[] = [];
  for (let k = 0; k < lines.count; k++) {
    if (lineStays(lines, k, choice)) list.push(lines.nameText(k).toLowerCase(), lines.valueText(k));
  }
  return list;
}

function lineStays(lines: FieldLines, k: number, choice: LineChoice): boolean {
  const fate = lines.fate[k];
  if (fate === FATE.drop || (fate === FATE.hearsay && !choice.hearsay) || (fate === FATE.expect && !choice.expect)) {
    return false;
  }
  const name = lines.name[k];
  if (choice.reframed === true && (name === NAME.contentLength || name === NAME.transferEncoding)) return false;
  if (choice.remove === null) return true;
  // A name spelled with "_" is the same variable to a CGI-like upstream, so it goes too.
  return !choice.remove.has(lines.nameText(k).toLowerCase().replaceAll('_', '-'));
}
