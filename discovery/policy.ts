/**
 * The policy of a set as the labels of one container have it.
 */
import type { SetPolicy } from '#core/set';
import { composeDependencies } from './compose.ts';
import { readEdge, readOutlier } from './edge-policy.ts';
import { FOREIGN_LABELS } from './foreign-labels.ts';
import type { Label } from './label.ts';
import type { LabelReader } from './label-reader.ts';
import { LABELS } from './labels.ts';

/** What class `data` demands: one replica that never sleeps. */
const DATA_EXPECTS = 'for class data, which is one replica that is never idled';

/**
 * The policy, with defaults where labels are bad (they are noted): whoever asks looks at the rejections first.
 * @param set name of the set itself, which cannot be its own dependency
 */
export function readPolicy(reader: LabelReader, set: string): SetPolicy {
  const setClass = reader.readOrDefault(LABELS.class);
  return {
    revisions: null,
    class: setClass,
    proto: reader.readOrDefault(LABELS.proto),
    lb: reader.readOrDefault(LABELS.lb),
    sticky: reader.readOrDefault(LABELS.sticky),
    slowStartMs: reader.readOrDefault(LABELS.slowStart),
    outlier: readOutlier(reader),
    health: {
      path: reader.read(LABELS.healthPath),
      intervalMs: reader.readOrDefault(LABELS.healthInterval),
      timeoutMs: reader.readOrDefault(LABELS.healthTimeout),
      rise: reader.readOrDefault(LABELS.healthRise),
      fall: reader.readOrDefault(LABELS.healthFall),
      status: reader.readOrDefault(LABELS.healthStatus),
    },
    scale: setClass === 'data' ? readDataScale(reader) : readScale(reader),
    depends: readDepends(reader, set),
    concurrency: reader.readOrDefault(LABELS.concurrency),
    wake: reader.readOrDefault(LABELS.wake),
    wakeTimeoutMs: reader.readOrDefault(LABELS.wakeTimeout),
    wakeQueue: reader.readOrDefault(LABELS.wakeQueue),
    drainMs: reader.readOrDefault(LABELS.drain),
    timeout: {
      connectMs: reader.readOrDefault(LABELS.timeoutConnect),
      responseMs: reader.readOrDefault(LABELS.timeoutResponse),
      idleMs: reader.readOrDefault(LABELS.timeoutIdle),
    },
    retry: reader.readOrDefault(LABELS.retry),
    rate: reader.readOrDefault(LABELS.rate),
    bodyMaxBytes: reader.readOrDefault(LABELS.bodyMax),
    tls: reader.readOrDefault(LABELS.tls),
    ...readEdge(reader),
  };
}

function readScale(reader: LabelReader): SetPolicy['scale'] {
  const min = reader.readOrDefault(LABELS.scaleMin);
  const max = reader.read(LABELS.scaleMax);
  if (max !== null && max < min) {
    reader.reject(LABELS.scaleMax, {
      value: String(max),
      expected: `a whole number from ${min} (tidegate.scale.min) to 1000`,
      nearest: String(min),
    });
  }
  const most = max ?? Math.max(1, min);
  return {
    min,
    max: most,
    target: reader.readOrDefault(LABELS.scaleTarget),
    rps: reader.readOrDefault(LABELS.scaleRps),
    cpu: reader.readOrDefault(LABELS.scaleCpu),
    memory: reader.readOrDefault(LABELS.scaleMemory),
    pauseMs: reader.readOrDefault(LABELS.scalePause),
    sandboxMs: reader.readOrDefault(LABELS.scaleSandbox),
    stopMs: reader.readOrDefault(LABELS.scaleStop),
    removeMs: reader.readOrDefault(LABELS.scaleRemove),
    leaseMs: reader.readOrDefault(LABELS.scaleLease),
    spare: reader.readOrDefault(LABELS.scaleSpare),
    windowMs: reader.readOrDefault(LABELS.scaleWindow),
    cooldownMs: reader.readOrDefault(LABELS.scaleCooldown),
    schedule: readSchedule(reader, most),
    predict: reader.readOrDefault(LABELS.scalePredict) === 'on',
  };
}

function readSchedule(reader: LabelReader, max: number): SetPolicy['scale']['schedule'] {
  const schedule = reader.read(LABELS.scaleSchedule) ?? [];
  if (schedule.some((window) => window.min > max)) {
    const value = reader.given(LABELS.scaleSchedule);
    reader.reject(LABELS.scaleSchedule, { value, expected: `at most min=${max} (tidegate.scale.max)` });
  }
  return schedule;
}

function readDataScale(reader: LabelReader): SetPolicy['scale'] {
  const scale = readScale(reader);
  demand(reader, LABELS.scaleMin, scale.min === 1, '1');
  demand(reader, LABELS.scaleMax, scale.max === 1, '1');
  const schedule = reader.given(LABELS.scaleSchedule);
  if (schedule !== null) reader.reject(LABELS.scaleSchedule, { value: schedule, expected: `none ${DATA_EXPECTS}` });
  demand(reader, LABELS.scalePause, scale.pauseMs === null, 'off');
  demand(reader, LABELS.scaleSandbox, scale.sandboxMs === null, 'off');
  demand(reader, LABELS.scaleStop, scale.stopMs === null, 'off');
  demand(reader, LABELS.scaleRemove, scale.removeMs === null, 'off');
  demand(reader, LABELS.scaleSpare, scale.spare === 0, '0');
  return { ...scale, min: 1, max: 1, spare: 0, pauseMs: null, sandboxMs: null, stopMs: null, removeMs: null };
}

/** Rejects a label that was given and does not say what it has to. */
function demand(reader: LabelReader, label: Label, holds: boolean, demanded: string): void {
  const value = reader.given(label);
  if (value === null || holds) return;
  reader.reject(label, { value, expected: `${demanded} ${DATA_EXPECTS}`, nearest: demanded });
}

function readDepends(reader: LabelReader, set: string): readonly string[] {
  const given = reader.given(LABELS.depends);
  if (given === null) {
    const compose = reader.given(FOREIGN_LABELS.composeDependsOn);
    return compose === null ? [] : composeDependencies(compose).filter((name) => name !== set);
  }
  const depends = reader.read(LABELS.depends) ?? [];
  if (depends.includes(set)) {
    reader.reject(LABELS.depends, { value: given, expected: `other sets than "${set}" itself` });
  }
  return depends;
}
