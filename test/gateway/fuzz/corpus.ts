/**
 * The corpus: what the scanner's vectors and the probes hold, and in `corpus/` what fuzzing has found worth keeping, one
 * input a line as a JSON string of latin1 text.
 */
import { readFileSync } from 'node:fs';
import { REQUEST_VECTORS } from '../http1/request-vectors.ts';
import { RESPONSE_VECTORS } from '../http1/response-vectors.ts';
import { ANSWER_BODY_PROBES } from '../strictness/answer-body-probes.ts';
import { ANSWER_PROBES } from '../strictness/answer-probes.ts';
import { BODY_PROBES } from '../strictness/body-probes.ts';
import { FORWARDING_PROBES } from '../strictness/forwarding-probes.ts';
import { SMUGGLING_PROBES } from '../strictness/smuggling-probes.ts';

/** Longer ones are about limits, and slow to mutate. */
const LENGTH_MAX = 600;

export function requestCorpus(): string[] {
  const probes = [...BODY_PROBES, ...FORWARDING_PROBES, ...SMUGGLING_PROBES].map((probe) => probe.octets);
  return short([...REQUEST_VECTORS.map((vector) => vector.head), ...probes, ...kept('requests.jsonl')]);
}

export function answerCorpus(): string[] {
  const probes = [...ANSWER_PROBES, ...ANSWER_BODY_PROBES].map((probe) => probe.octets.join(''));
  return short([...RESPONSE_VECTORS.map((vector) => vector.head), ...probes, ...kept('answers.jsonl')]);
}

function kept(file: string): string[] {
  const lines = readFileSync(new URL(`corpus/${file}`, import.meta.url), 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as string);
}

function short(inputs: readonly string[]): string[] {
  return inputs.filter((input) => input.length <= LENGTH_MAX);
}
