/** Labels in, snapshot and messages out: every case of the golden files. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_POLICY } from '#core/set';
import { FOREIGN_LABELS } from '#discovery/foreign-labels';
import { isPattern, nameOf } from '#discovery/label';
import { ALL_LABELS } from '#discovery/labels';
import { expectedOf, type GoldenCase, goldenFiles, labelsOf, outcomeOf, translationOf } from './golden.ts';

const FILES = goldenFiles();
const CASES = FILES.flatMap((file) => file.cases);

for (const file of FILES) {
  describe(`labels: ${file.name}`, () => {
    for (const golden of file.cases) {
      test(golden.case, () => assert.deepEqual(outcomeOf(golden), expectedOf(golden)));
    }
  });
}

test('every label has a case with a good value and one with a bad value', () => {
  for (const label of ALL_LABELS) {
    const carries = CASES.filter((golden) => namesOf(golden).some((name) => matches(label.name, name)));
    const isBad = (golden: GoldenCase): boolean =>
      translationOf(golden).rejections.some((one) => one.value !== null && matches(label.name, one.label));
    assert.ok(
      carries.some((golden) => !isBad(golden)),
      `${label.name} has no case with a good value`,
    );
    assert.ok(carries.some(isBad), `${label.name} has no case with a bad value`);
  }
});

test('every rejection names the label, its value and what is expected', () => {
  for (const golden of CASES) {
    for (const one of translationOf(golden).rejections) {
      assert.ok(one.message.startsWith(one.value === null ? `${one.label} is missing` : `${one.label}="`), one.message);
      assert.ok(one.message.includes(`: expected ${one.expected}`), one.message);
    }
  }
});

test('the nearest good value that a message offers is good', () => {
  for (const golden of CASES) {
    for (const { label, nearest } of translationOf(golden).rejections) {
      if (nearest === null) continue;
      const labels = { ...labelsOf(golden), [label]: nearest };
      const still = translationOf(golden, labels).rejections.filter((one) => one.label === label);
      assert.deepEqual(still, [], `${label}=${nearest}`);
    }
  }
});

test('no case has the sentence of another', () => {
  const sentences = FILES.flatMap((file) => file.cases.map((golden) => `${file.name}: ${golden.case}`));
  assert.equal(new Set(sentences).size, sentences.length);
});

test('nothing is read that is not declared', () => {
  const declared = [...ALL_LABELS, ...Object.values(FOREIGN_LABELS)].map((one) => one.name);
  for (const golden of CASES) {
    const read = new Set<string>();
    const spied = new Proxy(labelsOf(golden), {
      get(labels, name) {
        if (typeof name === 'string') read.add(name);
        return Reflect.get(labels, name);
      },
    });
    translationOf(golden, spied);
    for (const name of read)
      assert.ok(
        declared.some((one) => matches(one, name)),
        `${name} is read but not declared`,
      );
  }
});

test('a container without labels on policy has the default policy', () => {
  assert.deepEqual(translationOf({ case: '', expect: {} }).contribution?.policy, DEFAULT_POLICY);
});

test('every default and every example in the table is a good value', () => {
  for (const label of ALL_LABELS) {
    assert.ok(label.shape.read(label.example), `example of ${label.name}`);
    if (label.default !== null) assert.ok(label.shape.read(label.default), `default of ${label.name}`);
    assert.equal(isPattern(label), nameOf(label, 'x') !== label.name);
  }
});

function namesOf(golden: GoldenCase): readonly string[] {
  return Object.keys(labelsOf(golden));
}

/** Whether a label on a container is the one that a name in the table declares. */
function matches(declared: string, name: string): boolean {
  const [before, after] = declared.split(/<(?:name|header)>/);
  if (before === undefined || after === undefined) return declared === name;
  if (!name.startsWith(before) || !name.endsWith(after)) return false;
  return after === '' || !name.slice(before.length, -after.length).includes('.');
}
