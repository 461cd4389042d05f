// The expectations that the environment gives the tests.

import type { Kpi, Range } from "../src/api/answers";

/** A summary computed without the API: its range, and what the page must show for that range and for the one before. */
export interface Expected {
  organizationId: string;
  organizationName: string | null;
  plan: { name: string } | null;
  range: Pick<Range, "from" | "to"> & Partial<Range>;
  kpis: { key: Kpi["key"]; value: number; previousValue: number }[];
}

export const TOKEN = required("E2E_TOKEN");
export const OTHER_TOKEN = required("E2E_OTHER_TOKEN");
export const SEVERAL_TOKEN = required("E2E_SEVERAL_TOKEN");
export const WRITER_TOKEN = required("E2E_WRITER_TOKEN");
export const EMPTY_TOKEN = required("E2E_EMPTY_TOKEN");
export const YOUNG_TOKEN = required("E2E_YOUNG_TOKEN");
export const LIVE_TOKEN = required("E2E_LIVE_TOKEN");
export const COUNT_URL = required("E2E_COUNT_URL");
export const EXPECTED = JSON.parse(required("E2E_EXPECTED")) as Expected;

/** The expected range, as the page's address. */
export const EXPECTED_SEARCH = `?from=${EXPECTED.range.from}&to=${EXPECTED.range.to}&timezone=UTC`;

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "")
    throw new Error(`${name} is not set; playwright.config.ts says what it is`);
  return value;
}
