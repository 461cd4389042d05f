// What the browser's tab says.

import { expect, it } from "vitest";
import { Refusal } from "../api/refusal";
import { summary } from "../testing/answers";
import { de } from "../texts/de";
import { en } from "../texts/en";
import { tabStateOf, tabTitleOf } from "./pageTitle";

const WELL = { kind: "well" } as const;
const CUT = { kind: "unreachable", refusal: new Refusal("unreachable") } as const;
const [alert] = summary().alerts;
const healthy = summary({ alerts: [], systemHealth: { status: "healthy", alertCount: 0 } });

it("names state, organization and product", () => {
  expect(tabTitleOf(en, "well", undefined)).toBe("Business metrics");
  expect(tabTitleOf(en, "well", healthy)).toBe("Acme – Business metrics");
  expect(tabTitleOf(en, "critical", summary())).toBe("⚠ 1 alert – Acme – Business metrics");
  const two = summary({ alerts: [alert, alert].flatMap((one) => one ?? []) });
  expect(tabTitleOf(en, "critical", two)).toBe("⚠ 2 alerts – Acme – Business metrics");
  expect(tabTitleOf(en, "offline", summary())).toBe("⚠ No connection – Acme – Business metrics");
  expect(tabTitleOf(de, "critical", two)).toBe("⚠ 2 Warnungen – Acme – Business-Metriken");
  expect(tabTitleOf(en, "well", { ...healthy, organizationName: null })).toBe("org_acme – Business metrics");
});

it("has an icon for each state", () => {
  expect(tabStateOf(WELL, undefined)).toBe("well");
  expect(tabStateOf(WELL, healthy)).toBe("well");
  expect(tabStateOf(WELL, summary())).toBe("critical");
  expect(tabStateOf(WELL, summary({ systemHealth: { status: "warning", alertCount: 1 } }))).toBe("warning");
  expect(tabStateOf(CUT, summary())).toBe("offline");
});
