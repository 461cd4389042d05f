// The page tells the truth: all its parts agree, and say which numbers they are.

import type { Overview } from "../src/api/answers";
import { en } from "../src/texts/en";
import { formatsOf } from "../src/view/formats";
import {
  EMPTY_TOKEN,
  EXPECTED,
  EXPECTED_SEARCH,
  COUNT_URL,
  LIVE_TOKEN,
  TOKEN,
  YOUNG_TOKEN,
} from "./expected";
import {
  card,
  chart,
  choice,
  figure,
  notes,
  numberOf,
  numbers,
  panel,
  rangeShown,
  settled,
  tenths,
  times,
} from "./parts";
import { changing, expect, instead, questions, test } from "./visit";

const DAY_MS = 86_400_000;
const formats = formatsOf("en-GB", "UTC", en.formats);
const isRate = (key: string) => key.endsWith("_rate");
const midnight = (daysAgo: number) =>
  new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - daysAgo * DAY_MS).toISOString();

test.describe("one answer", () => {
  test("one question gives all numbers of the page", async ({ visit: { page, open } }) => {
    const asked = questions(page);
    // Its first version may be newer than the answer, so it is asked for again.
    await instead(page, "stream", (route) => route.abort());
    await open(TOKEN, EXPECTED_SEARCH);
    await settled(page);
    const paths = asked.map((question) => question.split("?")[0]);
    expect(paths.filter((path) => path === "/metrics/overview")).toHaveLength(1);
    for (const part of ["summary", "trends", "workflow-health", "delivery-health", "insights"]) {
      expect(paths, "a second version").not.toContain(`/metrics/${part}`);
    }
  });

  test("every card has the expected value, change and former value", async ({ visit: { page, open } }) => {
    await open(TOKEN, EXPECTED_SEARCH);
    for (const { key, value, previousValue } of EXPECTED.kpis) {
      await expect(figure(page, key), key).toHaveAttribute("value", String(value));
      await expect(figure(page, key, "before"), key).toHaveAttribute("value", String(previousValue));
      const change = isRate(key) ? value - previousValue : 100 * (value / previousValue - 1);
      await expect(figure(page, key, "change"), key).toHaveAttribute("value", String(tenths(change)));
    }
  });

  test("a change can be worked out from what a card says", async ({ visit: { page, open } }) => {
    await open(TOKEN, EXPECTED_SEARCH);
    await settled(page);
    const words = await card(page, "orders_created").innerText();
    const [orders] = EXPECTED.kpis;
    expect(orders?.key).toBe("orders_created");
    expect(words).toContain(formats.count(orders?.value ?? 0));
    expect(words).toContain(formats.count(orders?.previousValue ?? 0));
  });

  test("a rate changes by percentage points", async ({ visit: { page, open } }) => {
    await open(TOKEN, EXPECTED_SEARCH);
    await settled(page);
    for (const { key } of EXPECTED.kpis.filter(({ key }) => isRate(key))) {
      await expect(figure(page, key, "change"), key).toHaveText(/pts/);
      await expect(figure(page, key, "change"), key).not.toHaveText(/%/);
    }
  });

  test("the organization is the expected one", async ({ visit: { page, open } }) => {
    await open(TOKEN, EXPECTED_SEARCH);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(
      EXPECTED.organizationName ?? EXPECTED.organizationId,
    );
    await expect(page).toHaveTitle(new RegExp(EXPECTED.organizationName ?? EXPECTED.organizationId));
    if (EXPECTED.plan !== null) await expect(page.getByRole("banner")).toContainText(EXPECTED.plan.name);
  });

  test("card, chart and table have the same number", async ({ visit: { page, open } }) => {
    await open(TOKEN, EXPECTED_SEARCH);
    for (const { key, value } of EXPECTED.kpis) {
      await choice(page, key).click();
      await expect(
        page.locator(`ul [data-total="${key}"], [data-panel] [data-total="${key}"]`).first(),
      ).toHaveAttribute("value", String(value));
    }
    await choice(page, "orders_created").click();
    const trend = panel(page, "trend");
    await trend.locator("label", { hasText: en.trend.shapes.table }).click();
    await expect(trend.locator("tfoot [data-total]").first()).toHaveAttribute(
      "value",
      String(EXPECTED.kpis[0]?.value),
    );
  });

  test("the footer's comparison is the cards'", async ({ visit: { page, open } }) => {
    const answered = page.waitForResponse((response) => response.url().includes("/metrics/overview"));
    await open(TOKEN, EXPECTED_SEARCH);
    const { summary } = (await (await answered).json()) as Overview;
    await settled(page);
    const said = await times(page.locator("footer"));
    const { current, previous } = summary.comparison ?? {};
    for (const instant of [previous?.from, previous?.to, current?.from, current?.to])
      expect(said).toContain(instant);
  });
});

test.describe("changes that are no percentage", () => {
  test("what was nothing before is new", async ({ visit: { page, open } }) => {
    await open(YOUNG_TOKEN, `?from=${midnight(2)}&to=${midnight(1)}&timezone=UTC`);
    await expect(figure(page, "orders_created")).toHaveAttribute("value", "2");
    await expect(card(page, "orders_created")).toContainText(en.kpi.changes.new);
    await expect(card(page, "orders_created")).not.toContainText("%");
  });

  test("fifty times as much is more than tenfold", async ({ visit: { page, open } }) => {
    await open(YOUNG_TOKEN, `?from=${midnight(1)}&to=${midnight(0)}&timezone=UTC`);
    await expect(figure(page, "orders_created")).toHaveAttribute("value", "100");
    await expect(card(page, "orders_created")).toContainText(en.kpi.changes.tenfold);
    await expect(card(page, "orders_created")).not.toContainText("%");
  });

  test("a change from part of the time before isn't judged", async ({ visit: { page, open } }) => {
    // The records begin at noon of the day before.
    await open(YOUNG_TOKEN, `?from=${midnight(1)}&to=${midnight(0)}&timezone=UTC`);
    await expect(card(page, "orders_created")).toContainText(en.kpi.incomplete(en.kpi.from("2")));
    await expect(card(page, "orders_created")).not.toContainText(en.kpi.better);
    await expect(panel(page, "trend").locator('[data-legend="before"]')).toContainText("records begin on");
  });
});

test.describe("how complete the numbers are", () => {
  test("says nothing of days before the first record", async ({ visit: { page, open } }) => {
    await open(YOUNG_TOKEN, `?from=${midnight(9)}&to=${midnight(0)}&timezone=UTC`);
    await settled(page);
    const first = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
    const words = /^Nothing counted before/;
    await expect(page.getByText(words)).toContainText(first.format(new Date(midnight(2))));
    await open(YOUNG_TOKEN, `?from=${midnight(2)}&to=${midnight(0)}&timezone=UTC`);
    await settled(page);
    await expect(page.getByText(words)).toHaveCount(0);
  });

  const DAYS_OLD = 3;
  const through = new Date(Date.now() - DAYS_OLD * DAY_MS).toISOString();
  const old = ({ summary, ...rest }: Overview): Overview => ({
    ...rest,
    summary: { ...summary, completeThrough: through },
  });

  test("a value of three days ago has its date, its age, and alarms", async ({ visit: { page, open } }) => {
    await changing(page, "overview", old, { "complete-through": through });
    await open(TOKEN, "?range=7d&timezone=UTC");
    await settled(page);
    const freshness = page.locator("[data-freshness]");
    await expect(freshness).toContainText("3 days ago");
    await expect(freshness.locator(`time[datetime="${through}"]`).first()).toContainText(
      new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" }).format(
        new Date(through),
      ),
    );
    await expect(page.locator("[data-freshness][data-old]")).toBeVisible();
  });

  test("a value of just now has no date and no alarm", async ({ visit: { page, open } }) => {
    await open(TOKEN, "?range=7d&timezone=UTC");
    await settled(page);
    const freshness = page.locator("[data-freshness]");
    await expect(freshness).toContainText(en.page.complete);
    await expect(freshness).not.toContainText(String(new Date().getFullYear()));
    await expect(page.locator("[data-freshness][data-old]")).toHaveCount(0);
  });
});

test.describe("the range", () => {
  for (const [what, search, words] of [
    [
      "of two years is shown as it was shortened",
      `?from=2024-01-01T00:00:00Z&to=${midnight(0)}`,
      /shortened/,
    ],
    [
      "that hasn't begun is shown as what is shown instead",
      `?from=${midnight(-40)}&to=${midnight(-70)}`,
      /hasn’t begun/,
    ],
  ] as const) {
    test(what, async ({ visit: { page, open } }) => {
      const answered = page.waitForResponse((response) => response.url().includes("/metrics/overview"));
      await open(TOKEN, `${search}&timezone=UTC`);
      const { summary } = (await (await answered).json()) as Overview;
      await settled(page);
      expect(await rangeShown(page)).toEqual([summary.range.from, summary.range.to]);
      await expect(page.getByRole("note").filter({ hasText: words })).toBeVisible();
      // The button says the answer's range, too, and not the one that was wished for.
      await expect(page.getByRole("button", { name: /^Period/ })).toContainText(
        String(new Date(summary.range.from).getUTCFullYear()),
      );
      await expect(page.getByRole("button", { name: /^Period/ })).not.toContainText("2024");
    });
  }
});

test.describe("a link", () => {
  test("to what is over doesn't change", async ({ visit: { page, open }, context }) => {
    await context.grantPermissions(["clipboard-write"]);
    await open(TOKEN, "?range=yesterday&timezone=UTC");
    await settled(page);
    await page.getByRole("button", { name: en.page.copyLink }).click();
    await expect(page.getByText(en.page.linkCopied)).toBeVisible();
    await expect(page.getByText(/^This period isn’t over yet/)).toHaveCount(0);
  });

  test("shows everyone the same numbers", async ({ visit: { page, open, elsewhere }, context }) => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await open(TOKEN, "?range=7d&timezone=Europe/Berlin&metric=payment_success_rate");
    await settled(page);
    await page.getByRole("button", { name: en.page.copyLink }).click();
    await expect(page.getByText(en.page.linkCopied)).toBeVisible();
    await expect(page.getByText(/^This period isn’t over yet: .* change until /)).toBeVisible();
    const link = new URL(await page.evaluate(() => navigator.clipboard.readText()));
    expect(link.hash, "a token in a link").toBe("");
    expect(link.searchParams.get("timezone")).toBe("Europe/Berlin");
    expect(Date.parse(link.searchParams.get("to") ?? "")).toBeGreaterThan(
      Date.parse(link.searchParams.get("from") ?? ""),
    );
    const mine = await numbers(page);
    expect(mine.length).toBeGreaterThan(10);
    for (const other of [
      { locale: "en-US", timezoneId: "America/New_York" },
      { locale: "de-DE", timezoneId: "Asia/Kathmandu" },
      { locale: "ar-EG", timezoneId: "Pacific/Kiritimati" },
    ]) {
      const theirs = await elsewhere(other);
      await theirs.open(TOKEN, link.search);
      await settled(theirs.page);
      expect(await numbers(theirs.page), other.locale).toEqual(mine);
      expect(await rangeShown(theirs.page)).toEqual(await rangeShown(page));
    }
  });

  test("without a zone says the zone that it is shown in", async ({ visit: { elsewhere } }) => {
    const { page, open } = await elsewhere({ timezoneId: "Asia/Kolkata" });
    await open(TOKEN, "?range=7d");
    await settled(page);
    await expect(page.getByRole("button", { name: /^Time zone/ })).toContainText("Kolkata");
  });
});

test.describe("today", () => {
  for (const [what, offMs] of [
    ["right", 0],
    ["a day behind", -DAY_MS],
    ["a day ahead", DAY_MS],
  ] as const) {
    test(`is the server's when the browser's clock is ${what}`, async ({
      visit: { page, open },
      request,
    }) => {
      // The order is counted today, whatever the browser thinks.
      await request.post(COUNT_URL);
      await page.clock.install({ time: Date.now() + offMs });
      await open(LIVE_TOKEN, "?range=today&timezone=UTC");
      await expect
        .poll(() => numberOf(figure(page, "orders_created")), { message: "today's orders" })
        .toBeGreaterThan(0);
      expect((await rangeShown(page))[0]).toContain(new Date().toISOString().slice(0, 10));
    });
  }
});

test.describe("exceptions", () => {
  test("nothing is called healthy", async ({ visit: { page, open } }) => {
    for (const token of [TOKEN, EMPTY_TOKEN]) {
      await open(token, "?range=7d&timezone=UTC");
      await settled(page);
      await expect(page.getByText(/healthy/i)).toHaveCount(0);
    }
  });

  test("no data is no data", async ({ visit: { page, open } }) => {
    await open(YOUNG_TOKEN, `?from=${midnight(1)}&to=${midnight(0)}&timezone=UTC`);
    await expect(figure(page, "orders_created")).toHaveAttribute("value", "100");
    for (const { key } of EXPECTED.kpis.filter(({ key }) => key !== "orders_created")) {
      await expect(card(page, key), key).toContainText(en.kpi.noData);
      await expect(figure(page, key), key).toHaveCount(0);
    }
    await expect(page.getByRole("banner").getByText(/alert/)).toHaveCount(0);
  });

  test("failed means the same in bar, table and card", async ({ visit: { page, open } }) => {
    await open(TOKEN, EXPECTED_SEARCH);
    await settled(page);
    const workflows = panel(page, "workflows");
    const outcome = (name: string) => numberOf(workflows.locator(`data[data-outcome="${name}"]`));
    const [success, failed] = [await outcome("success"), await outcome("failed")];
    const listed = await workflows
      .locator('tr[data-workflow] [data-column="failed"]')
      .evaluateAll((all) => all.map((one) => Number(one.textContent?.replaceAll(/\D/g, ""))));
    expect(listed.length).toBeGreaterThan(1);
    expect(listed.reduce((sum, count) => sum + count, 0)).toBe(failed);
    expect(tenths((100 * failed) / (success + failed))).toBe(
      await numberOf(figure(page, "workflow_failure_rate")),
    );
  });
});

test.describe("the chart", () => {
  test("draws counts as bars from zero", async ({ visit: { page, open } }) => {
    await open(TOKEN, `${EXPECTED_SEARCH}&metric=orders_created`);
    await settled(page);
    const bars = chart(page).locator("rect[data-bar]");
    const days = (Date.parse(EXPECTED.range.to) - Date.parse(EXPECTED.range.from)) / DAY_MS;
    await expect(bars).toHaveCount(days);
    const zero = Number(await chart(page).locator("line[data-zero]").getAttribute("y1"));
    for (const bar of await bars.all()) {
      const [y, height] = [Number(await bar.getAttribute("y")), Number(await bar.getAttribute("height"))];
      expect(y + height).toBeCloseTo(zero, 0);
      expect(height).toBeGreaterThan(0);
    }
    await expect(chart(page).locator("path[data-line]")).toHaveCount(0);
  });

  test("draws rates as straight lines through their values", async ({ visit: { page, open } }) => {
    for (const metric of ["payment_success_rate", "avg_execution_time_ms"]) {
      await open(TOKEN, `${EXPECTED_SEARCH}&metric=${metric}`);
      await settled(page);
      for (const line of await chart(page).locator("path[data-line]").all()) {
        expect(await line.getAttribute("d"), metric).toMatch(/^[MLHVZ\d\s.,-]+$/);
      }
      await expect(chart(page).locator('path[data-line="now"]')).toHaveCount(1);
    }
  });

  test("hatches the open bucket, and marks what stood there before", async ({
    visit: { page, open },
    request,
  }) => {
    await request.post(COUNT_URL);
    await open(LIVE_TOKEN, "?range=today&timezone=UTC&granularity=hour");
    await settled(page);
    const open_ = chart(page).locator("rect[data-bar][data-open]");
    await expect(open_).toHaveCount(1);
    expect(await open_.getAttribute("fill")).toMatch(/^url\(#/);
    await expect(page.getByText(/still open/i).first()).toBeVisible();
    // In a zone whose day is hours old: of its first quarter of an hour nothing is compared.
    const zone = new Date().getUTCHours() < 12 ? "Asia/Tokyo" : "UTC";
    await open(TOKEN, `?range=7d&timezone=${zone}&metric=orders_created`);
    await settled(page);
    const last = chart(page).locator("rect[data-bar][data-open]");
    await expect(last).toHaveCount(1);
    const start = (await last.getAttribute("data-bar")) ?? "";
    await expect(chart(page).locator(`[data-before="${start}"]`)).toHaveCount(1);
  });

  test("names its comparison, and dates it in the tooltip", async ({ visit: { page, open } }) => {
    await open(TOKEN, `${EXPECTED_SEARCH}&metric=orders_created`);
    await settled(page);
    await expect(
      panel(page, "trend").locator('[data-total-before="orders_created"]').first(),
    ).toHaveAttribute("value", String(EXPECTED.kpis[0]?.previousValue));
    await page.getByRole("slider").focus();
    await page.keyboard.press("Home");
    const tooltip = page.locator("[data-tooltip]");
    await expect(tooltip).toBeVisible();
    const said = await times(tooltip);
    const before = new Date(Date.parse(EXPECTED.range.from) - 14 * DAY_MS).toISOString();
    expect(said).toEqual(expect.arrayContaining([EXPECTED.range.from, before]));
  });

  test("has a comparison that stands out from the ground", async ({ visit: { page, open } }) => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await open(TOKEN, `${EXPECTED_SEARCH}&metric=payment_success_rate`);
      await settled(page);
      const contrast = await chart(page)
        .locator('path[data-line="before"]')
        .first()
        .evaluate((line) => {
          const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
          const light = (colour: string, opacity: number, ground: readonly number[]) => {
            if (canvas === null) return { luminance: 0, rgb: [0, 0, 0] };
            canvas.fillStyle = colour;
            canvas.fillRect(0, 0, 1, 1);
            const rgb = [...canvas.getImageData(0, 0, 1, 1).data]
              .slice(0, 3)
              .map((part, index) => part * opacity + (ground[index] ?? 0) * (1 - opacity));
            const [red = 0, green = 0, blue = 0] = rgb
              .map((part) => part / 255)
              .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
            return { luminance: 0.2126 * red + 0.7152 * green + 0.0722 * blue, rgb };
          };
          const panel = line.closest("section") ?? document.body;
          const ground = light(getComputedStyle(panel).backgroundColor, 1, [0, 0, 0]);
          const style = getComputedStyle(line);
          const opacity = Number(style.opacity) * Number(style.strokeOpacity);
          const ink = light(style.stroke, opacity, ground.rgb);
          const [more, less] = [ink.luminance, ground.luminance].sort((one, other) => other - one);
          return ((more ?? 0) + 0.05) / ((less ?? 0) + 0.05);
        });
      expect(contrast, colorScheme).toBeGreaterThanOrEqual(3);
    }
  });

  test("reads with one bucket", async ({ visit: { page, open } }) => {
    const from = new Date(Date.parse(EXPECTED.range.from) + DAY_MS / 2).toISOString();
    const to = new Date(Date.parse(from) + 3_600_000).toISOString();
    await open(TOKEN, `?from=${from}&to=${to}&timezone=UTC&metric=orders_created`);
    await settled(page);
    const bars = chart(page).locator("rect[data-bar]");
    await expect(bars).toHaveCount(1);
    expect(Number(await bars.first().getAttribute("width"))).toBeGreaterThanOrEqual(16);
    expect(await chart(page).locator("text").allTextContents()).toContainEqual(
      expect.stringContaining("12:00"),
    );
  });
});

test("the chart is drawn at once: it is never blank, not even for a frame", async ({ visit, request }) => {
  await request.post(COUNT_URL);
  const { page, open } = await visit.elsewhere({
    locale: "de-DE",
    timezoneId: "UTC",
    viewport: { width: 1280, height: 800 },
  });
  await page.addInitScript(() => {
    Object.assign(window, { blank: 0 });
    new MutationObserver(() => {
      const slider = document.querySelector("[role=slider]");
      if (slider === null || slider.querySelector('svg[data-for="screen"] [data-bar]') !== null) return;
      Object.assign(window, { blank: (Reflect.get(window, "blank") as number) + 1 });
    }).observe(document, { childList: true, subtree: true });
  });
  await open(LIVE_TOKEN, "?range=today");
  await expect(chart(page).locator("rect[data-bar][data-open]")).toHaveCount(1);
  expect(
    await page.evaluate(() => Reflect.get(window, "blank") as number),
    "changes with a blank chart",
  ).toBe(0);
  // Read together: meanwhile another order may be counted.
  const [inCard, inChart] = await page.evaluate(() =>
    [
      '[data-kpi="orders_created"] [data-part="value"]',
      '[data-panel="trend"] [data-total="orders_created"]',
    ].map((css) => Number(document.querySelector<HTMLDataElement>(css)?.value)),
  );
  expect(inCard).toBeGreaterThan(0);
  expect(inChart).toBe(inCard);
});

test("a page that was told what it can't use says so", async ({ visit: { page, open } }) => {
  await open(TOKEN, "?range=fortnight&compare=mars&timezone=UTC");
  await settled(page);
  await expect(notes(page).filter({ hasText: "fortnight" })).toBeVisible();
  await expect(notes(page).filter({ hasText: "mars" })).toBeVisible();
});
