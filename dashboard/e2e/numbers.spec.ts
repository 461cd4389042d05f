// The numbers on the page equal those computed without the API.

import { formatsOf } from "../src/view/formats";
import { EXPECTED, TOKEN } from "./expected";
import { expect, test } from "./visit";

const { range } = EXPECTED;
const search = `?from=${range.from}&to=${range.to}${range.granularity ? `&granularity=${range.granularity}` : ""}`;
const formats = formatsOf("en-GB", "UTC");
const UNITS = { orders_created: "count", avg_execution_time_ms: "ms" } as const;
const unitOf = (key: string) => (key in UNITS ? UNITS[key as keyof typeof UNITS] : "percent");

test("every key figure is the expected one", async ({ visit: { page, open } }) => {
  await open(TOKEN, search);
  for (const { key, value } of EXPECTED.kpis) {
    const card = page.locator(`[data-kpi="${key}"]`);
    const shown = card.locator("data").first();
    await expect(shown, key).toHaveAttribute("value", String(value));
    const { value: text, unit } = formats.quantity(value, {
      unit: unitOf(key),
      decimals: unitOf(key) === "count" ? 0 : 1,
    });
    await expect(shown, key).toHaveText(`${text}${unit}`);
  }
});

test("the organization is the expected one", async ({ visit: { page, open } }) => {
  await open(TOKEN, search);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(
    EXPECTED.organizationName ?? EXPECTED.organizationId,
  );
  await expect(page.getByRole("banner")).toContainText(EXPECTED.organizationId);
  if (EXPECTED.plan !== null) await expect(page.getByRole("banner")).toContainText(EXPECTED.plan.name);
});

test("chart, table and key figure count the same orders", async ({ visit: { page, open } }) => {
  await open(TOKEN, search);
  const orders = EXPECTED.kpis.find(({ key }) => key === "orders_created")?.value ?? 0;
  const panel = page.getByRole("region", { name: "Orders and payments", exact: true });
  await expect(panel.locator('[data-total="orders"]')).toHaveText(formats.count(orders));
  await panel.getByText("Table").click();
  await expect(panel.locator("tfoot td").first()).toHaveText(formats.count(orders));
});
