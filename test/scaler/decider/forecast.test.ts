/** Forecasts: what they foresee, and when they are not heard. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Forecast } from '#scaler/decider/forecast';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;
const START = Date.parse('2026-01-05T00:00:00Z'); // a Monday
const LEAD_MS = 2000;

describe('a forecast', () => {
  test('says nothing of a time of which nothing is known', () => {
    const forecast = recorded(START, START + 12 * HOUR_MS, () => 5);
    assert.equal(forecast.expected(START + 12 * HOUR_MS, LEAD_MS), null);
  });

  test('foresees the load of the day before, before it comes', () => {
    const forecast = recorded(START, START + DAY_MS + 9 * HOUR_MS, rushAt(9));
    const rush = START + DAY_MS + 9 * HOUR_MS;
    assert.equal(forecast.expected(rush - 10 * MINUTE_MS, LEAD_MS), 2);
    assert.equal(forecast.expected(rush - MINUTE_MS, LEAD_MS), 40);
  });

  test('looks as far ahead as a replica takes to start', () => {
    const rush = START + DAY_MS + 9 * HOUR_MS;
    const forecast = recorded(START, rush - 10 * MINUTE_MS, rushAt(9));
    assert.equal(forecast.expected(rush - 10 * MINUTE_MS, 9 * MINUTE_MS), 40);
  });

  test('goes by the same day of the week before it goes by the day before', () => {
    // On Mondays there is no rush.
    const monday = START + WEEK_MS;
    const forecast = recorded(START, monday + 8.9 * HOUR_MS, (at) => (isDay(at, 1) ? 2 : rushAt(9)(at)));
    assert.equal(forecast.expected(monday + 9 * HOUR_MS - MINUTE_MS, LEAD_MS), 2);
  });

  test('is not heard once the load of yesterday has not come today', () => {
    const rush = START + DAY_MS + 9 * HOUR_MS;
    const until = rush + 5 * MINUTE_MS;
    const forecast = recorded(START, until, (at) => (at >= START + DAY_MS ? 2 : rushAt(9)(at)));
    assert.equal(forecast.expected(until, LEAD_MS), null);
  });

  test('the time that a set slept counts as time without load, not as unknown', () => {
    const forecast = recorded(START, START + 10 * MINUTE_MS, () => 3);
    forecast.rested(START + DAY_MS);
    assert.equal(forecast.expected(START + DAY_MS + HOUR_MS, LEAD_MS), null);
    const day = START + DAY_MS + HOUR_MS;
    for (let at = START + DAY_MS + MINUTE_MS; at <= day; at += MINUTE_MS) forecast.record(at, 1);
    assert.equal(forecast.expected(day, LEAD_MS), 0);
  });

  test('a clock that is set back, or far ahead, breaks nothing', () => {
    const forecast = recorded(START, START + HOUR_MS, () => 3);
    forecast.record(START - DAY_MS, 100);
    forecast.record(START + 100 * DAY_MS, 4);
    assert.equal(forecast.expected(START + 100 * DAY_MS, LEAD_MS), null);
    assert.equal(forecast.expected(START + DAY_MS, LEAD_MS), null);
  });
});

function recorded(from: number, to: number, load: (at: number) => number): Forecast {
  const forecast = new Forecast();
  for (let at = from; at < to; at += MINUTE_MS / 2) forecast.record(at, load(at));
  return forecast;
}

/** Two requests at a time, and 40 for half an hour from that hour of every day. */
function rushAt(hour: number): (at: number) => number {
  return (at) => {
    const of = (at - START) % DAY_MS;
    return of >= hour * HOUR_MS && of < (hour + 0.5) * HOUR_MS ? 40 : 2;
  };
}

function isDay(at: number, day: number): boolean {
  return new Date(at).getUTCDay() === day;
}
