/** The module `k6/metrics`: metrics of a script's own. */
import type { MetricKind, Tags } from '../metric.ts';
import { session } from '../session.ts';

class Samples {
  readonly name: string;

  constructor(name: string, kind: MetricKind) {
    this.name = session.declare(name, kind).name;
  }

  add(value: number | boolean, tags: Tags = {}): void {
    session.sample(this.name, Number(value), tags);
  }
}

export class Counter extends Samples {
  constructor(name: string) {
    super(name, 'counter');
  }
}

export class Gauge extends Samples {
  constructor(name: string) {
    super(name, 'gauge');
  }
}

export class Rate extends Samples {
  constructor(name: string) {
    super(name, 'rate');
  }
}

export class Trend extends Samples {
  constructor(name: string) {
    super(name, 'trend');
  }
}
