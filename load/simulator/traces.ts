/** Loads that are replayed: requests a second as a function of time, in phases that each have one thing to show. */

export interface Phase {
  readonly name: string;
  /** Seconds from the start. */
  readonly from: number;
  readonly to: number;
}

export interface Trace {
  readonly name: string;
  /** What it shows, in one line. */
  readonly title: string;
  readonly seconds: number;
  /** Requests a second at a time in seconds. */
  readonly rate: (second: number) => number;
  /** The most that `rate` ever is. */
  readonly peak: number;
  readonly phases: readonly Phase[];
  /** Requests at once, on top, at time zero. */
  readonly atOnce: number;
}

const DAY_S = 7200;

export const RAMP = points('ramp', '10 → 200 → 10 requests a second within half a minute each', [
  [0, 10],
  [60, 10],
  [90, 200],
  [210, 200],
  [240, 10],
  [400, 10],
]);

/** Never twice what there is at a time, so no panic; within a window to many times what it was. */
export const CLIMB = points('climb', '100 → 1,500 → 100 requests a second within two minutes each', [
  [0, 100],
  [120, 100],
  [240, 1500],
  [300, 1500],
  [420, 100],
  [600, 100],
]);

export const STEP = points('step', '10 → 200 → 10 requests a second from one moment to the next', [
  [0, 10],
  [60, 10],
  [60, 200],
  [180, 200],
  [180, 10],
  [340, 10],
]);

/** The step on a machine of two cores that each start has for itself: answers take longer because of the starts. */
export const STARTS_THAT_SLOW: Trace = {
  ...STEP,
  name: 'starts-that-slow',
  title: `${STEP.title}, on two cores that starts take from the service`,
};

/** Nothing of ours is to blame for it: the set has to grow all the same. */
export const SLOWER: Trace = {
  name: 'slower',
  title: '100 requests a second, of which each takes four times as long after a minute',
  seconds: 240,
  rate: () => 100,
  peak: 100,
  phases: [
    { name: 'quick', from: 0, to: 60 },
    { name: 'slow', from: 60, to: 240 },
  ],
  atOnce: 0,
};

/** What starts are always late for. */
export const BURSTS: Trace = {
  name: 'bursts',
  title:
    '30 requests a second, and 600 for 20 s every three minutes, of replicas that take two seconds to start; calm after that',
  seconds: 2400,
  rate: (second) => (second < 1080 && second % 180 >= 160 ? 600 : 30),
  peak: 600,
  phases: [
    { name: 'bursts', from: 0, to: 1080 },
    { name: 'calm', from: 1080, to: 2400 },
  ],
  atOnce: 0,
};

export const SPIKE: Trace = {
  name: 'spike-from-zero',
  title: '50 requests at once for a set at zero, then one every two seconds',
  seconds: 120,
  rate: () => 0.5,
  peak: 0.5,
  phases: [{ name: 'all', from: 0, to: 120 }],
  atOnce: 50,
};

/** The load of a day within two hours: a night, a morning, noon, and an evening, with two bursts. */
export const DAY: Trace = {
  name: 'day',
  title: 'A day within two hours: 40 to 700 requests a second, with two bursts of 1,400 for a minute and a half',
  seconds: DAY_S,
  rate(second) {
    const wave = (1 - Math.cos((2 * Math.PI * second) / DAY_S)) / 2;
    const isBurst = (second >= 2400 && second < 2490) || (second >= 5000 && second < 5090);
    return isBurst ? 1400 : 40 + 660 * wave ** 1.5;
  },
  peak: 1400,
  phases: [{ name: 'all', from: 0, to: DAY_S }],
  atOnce: 0,
};

/** Steady on average, never at rest: what makes a nervous decider flap. */
export const NOISE: Trace = {
  name: 'noise',
  title: '100 requests a second on average, between 60 and 140, another rate every two seconds',
  seconds: 600,
  rate: (second) => 100 + 40 * Math.sin(1.7 * Math.floor(second / 2)) * Math.cos(0.9 * Math.floor(second / 2)),
  peak: 140,
  phases: [{ name: 'all', from: 0, to: 600 }],
  atOnce: 0,
};

/** Comes and goes within less than a window: scaling with every tooth would be late for each. */
export const SAWTOOTH: Trace = {
  name: 'sawtooth',
  title: '20 to 200 requests a second within 40 s, and again',
  seconds: 600,
  rate: (second) => 20 + 180 * ((second % 40) / 40),
  peak: 200,
  phases: [{ name: 'all', from: 0, to: 600 }],
  atOnce: 0,
};

export const TRACES: readonly Trace[] = [
  RAMP,
  CLIMB,
  STEP,
  STARTS_THAT_SLOW,
  SLOWER,
  BURSTS,
  SPIKE,
  DAY,
  NOISE,
  SAWTOOTH,
];

/** Straight lines between six points: low, up to the height, held, down again, low. */
function points(name: string, title: string, all: readonly (readonly [second: number, rate: number])[]): Trace {
  const seconds = all.at(-1)?.[0] ?? 0;
  const [up, down] = [all[1]?.[0] ?? 0, all[3]?.[0] ?? seconds];
  return {
    ...{ name, title, seconds, atOnce: 0, peak: Math.max(...all.map(([, rate]) => rate)) },
    rate(second) {
      let before = all[0] ?? [0, 0];
      for (const point of all) {
        if (point[0] > second) {
          return before[1] + ((second - before[0]) / (point[0] - before[0])) * (point[1] - before[1]);
        }
        before = point;
      }
      return before[1];
    },
    phases: [
      { name: 'low', from: 0, to: up },
      { name: 'up', from: up, to: down },
      { name: 'down', from: down, to: seconds },
    ],
  };
}
