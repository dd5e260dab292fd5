/** Exact tests for small numbers: how likely chance alone would bring about what was seen, or worse. */

/** Terms of a tail that add less than this to it are left out. */
const NEGLIGIBLE = 1e-16;
/** Coefficients of Stirling's series for the logarithm of the gamma function. */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260] as const;
/** From here on Stirling's series is exact to the precision of a double. */
const STIRLING_FROM = 16;

/** Successes (or failures) among so many. */
export interface Sample {
  readonly errors: number;
  readonly requests: number;
}

/**
 * Fisher's exact test, one-sided: the probability that `one` has as many of all the errors, or more, if both had the same
 * share of them.
 */
export function fisherTail(one: Sample, other: Sample): number {
  const errors = one.errors + other.errors;
  const all = one.requests + other.requests;
  const most = Math.min(errors, one.requests);
  const term = (k: number): number =>
    logChoose(errors, k) + logChoose(all - errors, one.requests - k) - logChoose(all, one.requests);
  return tail(one.errors, most, term);
}

/** The probability of `hits` or more in `trials` that succeed with `probability` each. */
export function binomialTail(hits: number, trials: number, probability: number): number {
  const log = Math.log(probability);
  const logNot = Math.log1p(-probability);
  return tail(hits, trials, (k) => logChoose(trials, k) + k * log + (trials - k) * logNot);
}

/** Lower end of Wilson's interval for a share, `z` standard deviations wide (Wilson 1927). 0 without trials. */
export function wilsonLowerBound(hits: number, trials: number, z: number): number {
  if (trials === 0) return 0;
  const share = hits / trials;
  const square = z * z;
  const middle = share + square / (2 * trials);
  const spread = z * Math.sqrt((share * (1 - share) + square / (4 * trials)) / trials);
  return (middle - spread) / (1 + square / trials);
}

/** Adds up terms from one number to another, which rise to a peak and fall from there. */
function tail(from: number, to: number, logTerm: (k: number) => number): number {
  let sum = 0;
  let before = 0;
  for (let k = from; k <= to; k++) {
    const term = Math.exp(logTerm(k));
    sum += term;
    if (term < before && term < sum * NEGLIGIBLE) break;
    before = term;
  }
  return Math.min(1, sum);
}

function logChoose(n: number, k: number): number {
  if (k < 0 || k > n) return Number.NEGATIVE_INFINITY;
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

function logFactorial(n: number): number {
  if (n < STIRLING_FROM) {
    let product = 1;
    for (let i = 2; i <= n; i++) product *= i;
    return Math.log(product);
  }
  const x = n + 1;
  const [a, b, c] = STIRLING;
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + a / x + b / x ** 3 + c / x ** 5;
}
