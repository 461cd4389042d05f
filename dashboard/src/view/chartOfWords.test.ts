// The chart's numbers and times in words.

import { describe, expect, it } from "vitest";
import { BEGUN, bucket, trends } from "../testing/answers";
import { ORDERS, PAYMENTS, TIME } from "../testing/measures";
import { de } from "../texts/de";
import { en } from "../texts/en";
import { legendOf } from "./chartOfLegend";
import { type Measure, metricOf } from "./chartOfMetric";
import { plotOf } from "./chartOfPlot";
import {
  counterIn,
  limitsIn,
  nounIn,
  partsIn,
  pointIn,
  type Speech,
  stepIn,
  tickIn,
  valueIn,
  whenIn,
} from "./chartOfWords";
import { formatsOf } from "./formats";
import { uncoveredUntil } from "./records";
import { trendPoints } from "./trendPoints";

const ENGLISH: Speech = { texts: en, formats: formatsOf("en-GB", "UTC", en.formats) };
const GERMAN: Speech = { texts: de, formats: formatsOf("de-DE", "UTC", de.formats) };
const BUCKET = bucket(0, 1, 1);
const of = (measure: Measure) => metricOf(measure, BUCKET);
const plain = (text: string | null) => text?.replaceAll(/[\u00a0\u202f]/g, " ");

const HOURS = trends().range;
const DAYS = { ...HOURS, granularity: "day" } as const;

it("writes values with all their digits", () => {
  expect(valueIn(ENGLISH, 12_408, of(ORDERS))).toBe("12,408");
  expect(plain(valueIn(GERMAN, 84.1, of(PAYMENTS)))).toBe("84,1 %");
  expect(plain(valueIn(ENGLISH, 1_884.3, of(TIME)))).toBe("1.88 s");
  expect(valueIn(ENGLISH, null, of(PAYMENTS))).toBe("no payments");
});

it("says what a value is made of", () => {
  const one = { value: 0, part: 921, whole: 1_000, percentiles: [] };
  expect(partsIn(ENGLISH, one, of(PAYMENTS))).toBe("921 of 1,000 payments");
  expect(partsIn(GERMAN, one, of(PAYMENTS))).toBe("Zahlungen: 921 von 1.000");
  expect(partsIn(ENGLISH, one, of(TIME))).toBe("over 1,000 workflow runs");
  expect(partsIn(ENGLISH, { ...one, part: null, whole: null }, of(ORDERS))).toBeNull();
  expect(partsIn(ENGLISH, { ...one, whole: 0 }, of(PAYMENTS))).toBeNull();
});

it("has a word for counters and nouns that it doesn’t know", () => {
  expect(counterIn(en, "refunds_made")).toBe("Refunds made");
  expect(nounIn(de, { base: { numerator: "x", denominator: null, noun: "refunds" } })).toBe("refunds");
  expect(nounIn(de, { base: { numerator: "x", denominator: null, noun: "toString" } })).toBe("toString");
});

it("writes steps with no more digits than they differ by", () => {
  expect(stepIn(ENGLISH, 90, 5, of(PAYMENTS))).toBe("90%");
  expect(stepIn(ENGLISH, 90.5, 0.5, of(PAYMENTS))).toBe("90.5%");
  expect(plain(stepIn(ENGLISH, 1_500, 500, of(TIME)))).toBe("1.5 s");
  expect(stepIn(ENGLISH, 20_000, 5_000, of(ORDERS))).toMatch(/^20K$/i);
});

describe("when a bucket was", () => {
  const when = (from: string, to: string, range: typeof HOURS, mode: "previous_period" | "previous_year") =>
    plain(whenIn(ENGLISH, { from: `2026-02-${from}:00.000Z`, to: `2026-02-${to}:00.000Z` }, range, { mode }));

  it("is a date for a whole day, and has its times otherwise", () => {
    expect(when("24T00:00", "25T00:00", DAYS, "previous_period")).toMatch(/^Tue,? 24 Feb$/);
    expect(when("24T00:00", "24T10:30", DAYS, "previous_period")).toMatch(/24 Feb.*00:00.*10:30/);
    expect(when("23T15:45", "24T15:45", DAYS, "previous_period")).toMatch(/23 Feb.*15:45.*24 Feb.*15:45/);
    expect(when("24T10:00", "24T10:30", HOURS, "previous_period")).toMatch(/24 Feb.*10:00.*10:30/);
  });

  it("has its year if that is another", () => {
    expect(when("24T00:00", "25T00:00", DAYS, "previous_year")).toMatch(/24 Feb 2026/);
    expect(when("24T10:00", "24T10:30", HOURS, "previous_year")).toMatch(/24 Feb 2026.*10:00.*10:30/);
  });
});

it("labels midnight with its date, by the zone’s clock", () => {
  const at = (from: string, zone: string) => tickIn(ENGLISH, { from }, HOURS, zone);
  expect(at("2026-02-25T10:00:00.000Z", "UTC")).toBe("10:00");
  expect(at("2026-02-25T00:00:00.000Z", "UTC")).toBe("25 Feb");
  const berlin = formatsOf("en-GB", "Europe/Berlin", en.formats);
  const midnight = { from: "2026-02-25T23:00:00.000Z" };
  expect(tickIn({ texts: en, formats: berlin }, midnight, HOURS, "Europe/Berlin")).toBe("26 Feb");
});

it("tells a screen reader all that a bucket has", () => {
  const spoken = (measure: Measure, index: number, answer = trends()) => {
    const metric = of(measure);
    const point = trendPoints(answer, metric)[index];
    const { range, comparison } = answer;
    const around = { metric, range, comparison, uncovered: uncoveredUntil(answer) };
    return point && plain(pointIn(ENGLISH, point, around));
  };
  expect(spoken(ORDERS, 1)).toMatch(
    /^Wed,? 25 Feb,? (at )?01:00: 700 orders; Before \(.+22:00.+00:00\): 600 orders$/,
  );
  expect(spoken(ORDERS, 2)).toMatch(/, still open: 142 orders$/);
  expect(spoken(PAYMENTS, 0)).toMatch(/: 100\.0% \(400 of 400 payments\); Before/);
  expect(spoken(TIME, 2)).toMatch(
    /: 1\.23 s \(over 4 workflow runs\); p50 about 900 ms; p95 about 4\.1 s; p99 about 13 s$/,
  );
  // Records begin with the second bucket before.
  const begun = trends(BEGUN);
  expect(spoken(ORDERS, 0, begun)).toMatch(/: 450 orders; incomplete: records begin on 24 Feb 2026, 22:00$/);
  expect(spoken(ORDERS, 1, begun)).toMatch(/: 600 orders$/);
});

describe("limits", () => {
  const judged = { alert: "a", leastSample: 20, thresholdSource: "default" } as const;
  const labels = (measure: Measure, warning: number, critical: number) =>
    limitsIn(ENGLISH, { ...measure, thresholds: [{ ...judged, warning, critical }] }).map(({ label }) =>
      plain(label),
    );

  it("say on which side the alert is", () => {
    expect(labels(PAYMENTS, 95, 85.5)).toEqual(["Warning below 95%", "Critical below 85.5%"]);
    expect(labels(TIME, 2_000, 60_000)).toEqual(["Warning above 2 s", "Critical above 1 min"]);
  });

  it("are none where nothing can be beyond them, or where a bucket isn’t judged", () => {
    expect(labels(PAYMENTS, 95, 0)).toEqual(["Warning below 95%"]);
    expect(labels({ ...PAYMENTS, better: "down" }, 10, 100)).toEqual(["Warning above 10%"]);
    expect(labels(ORDERS, 10, 5)).toEqual([]);
  });
});

describe("the legend", () => {
  const legend = (measure: Measure, answer = trends()) => {
    const metric = of(measure);
    const points = trendPoints(answer, metric);
    const limits = [{ value: 1, severity: "critical", label: "below 1" } as const];
    const size = { width: 700, height: 300, unit: 1 };
    const plot = plotOf({ points, metric, written: String, limits: [1] }, size);
    const { range, comparison } = answer;
    const uncovered = uncoveredUntil(answer);
    return legendOf(ENGLISH, { name: "Name", points, metric, range, comparison, uncovered, limits, plot });
  };

  it("has what both periods have in all, and the dates of the one before", () => {
    const [now, before] = legend(ORDERS);
    expect(now).toMatchObject({ id: "now", sample: "bar", label: "Name", value: "1,342", total: 1_342 });
    expect(before).toMatchObject({ id: "before", sample: "mark", label: "Period before", value: "1,050" });
    expect(before?.note).toMatch(/24 Feb 2026.*21:30.*00:00$/);
  });

  it("says that what is compared with isn’t complete, where records begin within it", () => {
    const [now, before] = legend(ORDERS, trends(BEGUN));
    expect(now?.note).toBeUndefined();
    expect(before?.note).toMatch(/00:00 · incomplete: records begin on 24 Feb 2026, 22:00$/);
  });

  it("says what a rate is made of, and that a limit isn’t in view", () => {
    const items = legend(PAYMENTS);
    expect(items.map(({ id }) => id)).toEqual(["now", "before", "limit"]);
    expect(items[0]).toMatchObject({ sample: "line", value: "100.0%", note: "1,000 of 1,000 payments" });
    expect(items[2]?.note).toBe("not in view");
  });

  it("has nothing of what isn’t there", () => {
    const answer = trends({ series: [bucket(0, 1, 1)] });
    const ids = legend(ORDERS, { ...answer, comparison: null }).map(({ id }) => id);
    expect(ids).toEqual(["now", "limit"]);
  });
});
