// What is shown can be followed: from a card to the chart, from a row to its runs, from an alert to what it speaks of, and out
// of the page as a file.

import { readFile } from "node:fs/promises";
import type { Download, Page } from "@playwright/test";
import { en } from "../src/texts/en";
import { EXPECTED_SEARCH, TOKEN, WRITER_TOKEN } from "./expected";
import { chart, choice, panel, settled } from "./parts";
import { expect, questions, test } from "./visit";

/** The panel's file, by an item of its menu. */
async function downloaded(page: Page, name: string, item: string | RegExp): Promise<Download> {
  await panel(page, name).getByRole("button", { name: /^More/ }).click();
  const file = page.waitForEvent("download");
  await page.getByRole("dialog", { name: /^More/ }).getByRole("button", { name: item }).click();
  return file;
}

const textOf = async (file: Download) => readFile(await file.path(), "utf8");

test.beforeEach(async ({ visit: { page, open } }) => {
  await open(TOKEN, EXPECTED_SEARCH);
  await settled(page);
});

test("a card chooses what the chart shows", async ({ visit: { page } }) => {
  await choice(page, "payment_success_rate").click();
  await expect(page).toHaveURL(/metric=payment_success_rate/);
  await expect(choice(page, "payment_success_rate")).toHaveAttribute("aria-pressed", "true");
  await expect(chart(page).locator('path[data-line="now"]')).toHaveCount(1);
  await page.goBack();
  await expect(choice(page, "orders_created")).toHaveAttribute("aria-pressed", "true");
  await expect(chart(page).locator("rect[data-bar]").first()).toBeAttached();
});

test("a workflow's row filters the page, and the filter is in the address", async ({ visit: { page } }) => {
  const row = panel(page, "workflows").locator("tr[data-workflow]").first();
  const workflow = (await row.getAttribute("data-workflow")) ?? "";
  const asked = questions(page);
  await row.getByRole("link").or(row.getByRole("button")).first().click();
  await expect(page).toHaveURL(new RegExp(`workflow=${workflow}`));
  await settled(page);
  await expect
    .poll(() => asked.filter((question) => question.includes(`workflow=${workflow}`)).length)
    .toBeGreaterThan(1);
  await page.reload();
  await settled(page);
  await expect(panel(page, "workflows").locator('tr[data-workflow] a[aria-current="true"]')).toHaveCount(1);
  await page.goBack();
  await settled(page);
  await expect(page).not.toHaveURL(/workflow=/);
});

test("a workflow without a figure shows the first that it has", async ({ visit: { page, open } }) => {
  const row = panel(page, "workflows").locator("tr[data-workflow]").first();
  const workflow = (await row.getAttribute("data-workflow")) ?? "";
  await open(TOKEN, `?workflow=${encodeURIComponent(workflow)}&timezone=UTC`);
  await settled(page);
  await expect(choice(page, "workflow_failure_rate")).toHaveAttribute("aria-pressed", "true");
  await expect(panel(page, "trend").getByRole("heading", { level: 2 })).toHaveText(
    en.kpi.names["workflow_failure_rate"] ?? "",
  );
  await expect(panel(page, "trend").getByRole("note")).toHaveCount(0);
});

test("a card of what no workflow has takes the filter off, and gives it back", async ({
  visit: { page },
}) => {
  const row = panel(page, "workflows").locator("tr[data-workflow]").first();
  await row.getByRole("link").click();
  await choice(page, "workflow_failure_rate").click();
  await settled(page);
  await choice(page, "orders_created").click();
  await expect(page).not.toHaveURL(/workflow=/);
  await expect(choice(page, "orders_created")).toHaveAttribute("aria-pressed", "true");
  await page.getByRole("button", { name: en.workflows.backTo }).click();
  await expect(page).toHaveURL(/workflow=/);
});

test("an alert leads to what it speaks of", async ({ visit: { page } }) => {
  await page.getByRole("button", { name: /^\d+ alerts?/ }).click();
  const link = page.getByRole("dialog").getByRole("link").first();
  await expect(link).toHaveAttribute("href", /metric=/);
  await link.click();
  await expect(page).toHaveURL(/metric=/);
});

test("failures are grouped by message, and opened", async ({ visit: { page } }) => {
  const groups = panel(page, "failures").locator("[data-group]");
  await expect(groups.first()).toBeVisible();
  const counts = await groups
    .locator('data[data-part="count"]')
    .evaluateAll((all) => all.map((one) => Number((one as HTMLDataElement).value)));
  expect([...counts].sort((one, other) => other - one)).toEqual(counts);
  expect(await groups.first().locator("time").count()).toBeGreaterThanOrEqual(1);
  await groups.first().locator("summary, button").first().click();
  await expect(groups.first().locator("[data-run]").first()).toBeVisible();
});

test("messages are listed by channel", async ({ visit: { page } }) => {
  const channels = panel(page, "deliveries").locator("[data-channel]");
  expect(await channels.count()).toBeGreaterThan(1);
});

test("the lists of every panel are files", async ({ visit: { page } }) => {
  for (const [name, columns] of [
    ["trend", ["bucket", "orders_created"]],
    ["workflows", ["workflowId", "failed"]],
    ["failures", ["count"]],
    ["deliveries", ["channel"]],
    ["insights", ["key", "severity"]],
  ] as const) {
    const file = await downloaded(page, name, /CSV/);
    expect(file.suggestedFilename(), name).toMatch(/\.csv$/);
    const [head = ""] = (await textOf(file)).split("\r\n");
    for (const column of columns) expect(head, name).toContain(column);
  }
});

test("the chart is a picture", async ({ visit: { page } }) => {
  const file = await downloaded(page, "trend", en.trend.savePicture);
  expect(file.suggestedFilename()).toMatch(/\.png$/);
  const bytes = await readFile(await file.path());
  expect(bytes.subarray(1, 4).toString()).toBe("PNG");
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  expect(width).toBeGreaterThan(600);
  // It is no empty sheet: an even colour would be packed into less.
  expect(bytes.length).toBeGreaterThan((width * height) / 200);
});

test("the chart's picture is light on a dark page, too: it goes into documents", async ({
  visit: { page },
}) => {
  await page.emulateMedia({ colorScheme: "dark" });
  const file = await downloaded(page, "trend", en.trend.savePicture);
  const bytes = await readFile(await file.path(), "base64");
  const corner = await page.evaluate(async (base64) => {
    const blob = new Blob([Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))]);
    const canvas = document.createElement("canvas").getContext("2d");
    canvas?.drawImage(await createImageBitmap(blob), 0, 0);
    return [...(canvas?.getImageData(0, 0, 1, 1).data ?? [])];
  }, bytes);
  expect(corner).toEqual([255, 255, 255, 255]);
});

test("the command menu has a key for each file", async ({ visit: { page } }) => {
  await page.keyboard.press("Control+k");
  const dialog = page.getByRole("dialog", { name: "Commands" });
  await dialog.getByRole("combobox").fill("csv");
  expect(await dialog.getByRole("option").count()).toBeGreaterThanOrEqual(5);
  const file = page.waitForEvent("download");
  await page.keyboard.press("Enter");
  expect((await file).suggestedFilename()).toMatch(/\.csv$/);
  await expect(dialog).toBeHidden();
  const again = page.waitForEvent("download");
  await page.keyboard.press("Shift+C");
  expect((await again).suggestedFilename()).toMatch(/trend.*\.csv$/);
});

test.describe("thresholds", () => {
  test("can't be changed by a token that may not", async ({ visit: { page } }) => {
    await page.keyboard.press("x");
    const dialog = page.getByRole("dialog");
    await expect(dialog).toBeVisible();
    await expect(dialog.getByRole("button", { name: /save/i })).toHaveCount(0);
  });

  test("are changed by one that may, and shown in the chart", async ({ visit, request }) => {
    const { page, open } = await visit.elsewhere();
    await open(WRITER_TOKEN, `${EXPECTED_SEARCH}&metric=payment_success_rate`);
    await settled(page);
    try {
      await page.keyboard.press("x");
      const dialog = page.getByRole("dialog");
      const field = dialog.getByRole("textbox").first();
      await field.fill("99.9");
      await dialog.getByRole("button", { name: /save/i }).click();
      await expect(dialog.getByRole("status")).toContainText("99.9");
      await dialog.getByRole("button", { name: en.common.close }).last().click();
      await expect(dialog).toBeHidden();
      await expect(page.getByRole("banner").getByRole("button", { name: /alert/ })).toBeVisible();
    } finally {
      await request.put("/v1/settings/thresholds", {
        data: { thresholds: {} },
        headers: { authorization: `Bearer ${WRITER_TOKEN}` },
      });
    }
  });
});
