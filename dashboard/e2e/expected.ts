// The expectations that the environment gives the tests.

import type { Kpi, Range } from "../src/api/answers";

/** A summary computed without the API: its range, and what the page must show for that range. */
export interface Expected {
  organizationId: string;
  organizationName: string | null;
  plan: { name: string } | null;
  range: Pick<Range, "from" | "to"> & Partial<Range>;
  kpis: Pick<Kpi, "key" | "value">[];
}

export const TOKEN = required("E2E_TOKEN");
export const EMPTY_TOKEN = required("E2E_EMPTY_TOKEN");
export const EXPECTED = JSON.parse(required("E2E_EXPECTED")) as Expected;

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "")
    throw new Error(`${name} is not set; playwright.config.ts says what it is`);
  return value;
}
