/**
 * Policy edits on a scanned head, made in its record before a lane or an upstream connection writes it: so a rule about
 * fields exists once, whatever the message goes out as. What is added must be sound already: a token and a field value.
 */
import { FATE, type FieldLines } from '../http1/field-lines.ts';
import { NAME } from '../http1/field-names.ts';

/** Leaves out every line of these names (lower case, `-` for `_`), also where it is spelled with `_`. */
export function dropFields(lines: FieldLines, names: ReadonlySet<string>): void {
  for (let k = 0; k < lines.count; k++) {
    if (names.has(lines.nameText(k).toLowerCase().replaceAll('_', '-'))) lines.fate[k] = FATE.drop;
  }
}

/** Adds a line. Returns false when the head holds as many as it may: then nothing was added. */
export function addField(lines: FieldLines, name: string, value: string): boolean {
  const k = lines.count;
  const at = lines.nameAt[k];
  // The last place is for the empty line.
  if (at === undefined || k + 1 >= lines.nameAt.length) return false;
  lines.text += `${name}: ${value}\r\n`;
  lines.nameEnd[k] = at + name.length;
  lines.valueAt[k] = at + name.length + 2;
  lines.valueEnd[k] = at + name.length + 2 + value.length;
  lines.name[k] = NAME.other;
  lines.fate[k] = FATE.keep;
  lines.count = k + 1;
  lines.nameAt[k + 1] = at + name.length + value.length + 4;
  return true;
}

/** Adds a flat list of name, value, …, as far as there is room. */
export function addFields(lines: FieldLines, fields: readonly string[]): void {
  for (let i = 0; i + 1 < fields.length; i += 2) addField(lines, fields[i] ?? '', fields[i + 1] ?? '');
}
