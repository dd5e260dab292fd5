/** From where the stream of events goes on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResumePoint } from '#docker/resume-point';

test('before the first event there is nothing to resume', () => {
  assert.equal(new ResumePoint().since, null);
});

test('a resumed stream reaches a little back behind the last event', () => {
  const point = new ResumePoint();
  point.isNew('a', 5_000.5);
  assert.equal(point.since, 4);
});

test('an event that comes again within that reach is known, a new one of the same moment is not', () => {
  const point = new ResumePoint();
  assert.equal(point.isNew('a', 5000), true);
  assert.equal(point.isNew('b', 5000), true);
  assert.equal(point.isNew('a', 5000), false);
  assert.equal(point.isNew('c', 5000), true);
});

test('an event handed over late does not move the point back', () => {
  const point = new ResumePoint();
  point.isNew('a', 9000);
  assert.equal(point.isNew('b', 8990), true);
  assert.equal(point.since, 8);
});

test('nothing that can come again is forgotten, however many events there are', () => {
  const point = new ResumePoint();
  for (let i = 0; i < 5000; i++) point.isNew(`event ${i}`, 1000 + i);
  const since = (point.since ?? 0) * 1000;
  for (let i = 0; i < 5000; i++) if (1000 + i >= since) assert.equal(point.isNew(`event ${i}`, 1000 + i), false);
});
