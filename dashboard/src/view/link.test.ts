// The link that shows everyone the same numbers.

import { expect, it } from "vitest";
import { linkTo } from "./link";
import type { View } from "./view";

const VIEW: View = {
  period: { preset: "7d" },
  zone: "Europe/Berlin",
  granularity: null,
  compare: "previous_period",
  metric: "orders_created",
  workflow: "w1",
  sort: "failures",
};
const RANGE = {
  from: "2026-02-18T23:00:00.000Z",
  to: "2026-02-25T23:00:00.000Z",
  granularity: "day",
  timezone: "Europe/Berlin",
} as const;

it("has the range that is shown, the zone, and all that was chosen", () => {
  expect(linkTo("https://m.example/overview?range=7d", VIEW, RANGE, "org_acme")).toBe(
    "https://m.example/overview?from=2026-02-18T23:00:00.000Z&to=2026-02-25T23:00:00.000Z" +
      "&timezone=Europe/Berlin&granularity=day&compare=previous_period&metric=orders_created&workflow=w1" +
      "&organization=org_acme",
  );
});

it("never has a token", () => {
  const link = linkTo("https://m.example/overview?timezone=UTC#token=eyJhbGciOi", VIEW, RANGE, "org_acme");
  expect(link).not.toContain("eyJ");
  expect(link).not.toContain("#");
});
