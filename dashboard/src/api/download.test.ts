// CSV files: their pages, and their names.
//
// @vitest-environment happy-dom

import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Range } from "./answers";
import { csvName, csvOf, downloadCsv, named, nextOf } from "./download";

const ASKER = { token: "secret", organization: "acme" };
const CSV = { "content-type": "text/csv; charset=utf-8; header=present" };

const asked: Request[] = [];
const server = setupServer();
beforeAll(() => {
  server.events.on("request:start", ({ request }) => void asked.push(request.clone()));
  server.listen({ onUnhandledRequest: "error" });
});
afterEach(() => {
  server.resetHandlers();
  asked.length = 0;
});
afterAll(() => server.close());

/** Pages of a list, each of one row; the request says which by its cursor. */
function pages(count: number): void {
  const page = ({ request }: { request: Request }) => {
    const number = Number(new URL(request.url).searchParams.get("cursor") ?? "1");
    const next = number < count ? { link: `<?limit=100&cursor=${number + 1}>; rel="next"` } : {};
    return new HttpResponse(`"id","text"\r\n"${number}","two\r\nlines"\r\n`, {
      headers: { ...CSV, ...next },
    });
  };
  server.use(http.get("*/v1/metrics/failures", page));
}

it("asks as the person who is signed in, for what is meant", async () => {
  pages(1);
  await csvOf(ASKER, "/metrics/failures", { limit: 100, workflow: null, group: undefined });
  const [request] = asked;
  expect(new URL(request?.url ?? "").search).toBe("?limit=100");
  expect(request?.headers.get("authorization")).toBe("Bearer secret");
  expect(request?.headers.get("organization-id")).toBe("acme");
  expect(request?.headers.get("accept")).toBe("text/csv");
});

it("puts all pages into one file, with one header row", async () => {
  pages(3);
  const { text, whole } = await csvOf(ASKER, "/metrics/failures", { limit: 100 });
  const row = (number: number) => `"${number}","two\r\nlines"\r\n`;
  expect(text).toBe(`"id","text"\r\n${row(1)}${row(2)}${row(3)}`);
  expect(whole).toBe(true);
});

it("ends after as many pages as a file gets, and says so", async () => {
  pages(1_000);
  const { pages: count, whole } = await csvOf(ASKER, "/metrics/failures", {});
  expect([count, whole, asked.length]).toEqual([100, false, 100]);
});

it("waits when the organization's rate has no room", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  let refused = 0;
  const handler = () => {
    refused += 1;
    if (refused > 1) return new HttpResponse(`"id"\r\n`, { headers: CSV });
    return HttpResponse.json({}, { status: 429, headers: { "retry-after": "2" } });
  };
  server.use(http.get("*/v1/metrics/insights", handler));
  const saved = csvOf(ASKER, "/metrics/insights", {});
  await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1));
  await vi.advanceTimersByTimeAsync(2_000);
  expect((await saved).text).toBe(`"id"\r\n`);
  vi.useRealTimers();
});

it("says why there is no file", async () => {
  server.use(http.get("*/v1/metrics/insights", () => HttpResponse.json({}, { status: 503 })));
  await expect(csvOf(ASKER, "/metrics/insights", {})).rejects.toMatchObject({ kind: "unavailable" });
});

it("hands the browser a file of that name", async () => {
  pages(1);
  const made = vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:here");
  const clicked: string[] = [];
  const click = vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (
    this: HTMLElement,
  ) {
    clicked.push(`${this.getAttribute("download")} ${this.getAttribute("href")}`);
  });
  await downloadCsv(ASKER, "/metrics/failures", {}, "acme-failures.csv");
  expect(clicked).toEqual(["acme-failures.csv blob:here"]);
  expect(document.querySelector("a[download]")).toBeNull();
  const file = made.mock.calls[0]?.[0] as Blob;
  expect(await file.text()).toContain(`"1","two`);
  click.mockRestore();
});

it.each([
  ["", null],
  ['<?from=a&cursor=b>; rel="next"', "?from=a&cursor=b"],
  ['<?a>; rel="prev"', null],
])("finds the next page in %o", (link, next) => {
  expect(nextOf(link === "" ? null : link)).toBe(next);
});

describe("a name", () => {
  const range = (from: string, to: string, granularity: Range["granularity"]): Range => ({
    from,
    to,
    granularity,
    timezone: "Europe/Berlin",
  });

  it("has the days, the last one included", () => {
    const week = range("2026-02-17T23:00:00.000Z", "2026-02-24T23:00:00.000Z", "day");
    expect(csvName("acme", "workflows", week, "Europe/Berlin")).toBe(
      "acme-workflows-2026-02-18-to-2026-02-24.csv",
    );
    const day = range("2026-02-17T23:00:00.000Z", "2026-02-18T23:00:00.000Z", "day");
    expect(csvName("acme", "workflows", day, "Europe/Berlin")).toBe("acme-workflows-2026-02-18.csv");
  });

  it("has the hours by the zone's clock", () => {
    const hours = range("2026-02-24T23:00:00.000Z", "2026-02-25T10:00:00.000Z", "hour");
    expect(csvName("acme", "failures by message", hours, "Europe/Berlin")).toBe(
      "acme-failures-by-message-2026-02-25T0000-to-2026-02-25T1100.csv",
    );
  });

  it.each([
    ["org/../x:1", "org-..-x-1-deliveries"],
    ["..", "x-deliveries"],
    ["Größe 7", "Größe-7-deliveries"],
  ])("is one that every system takes: %s", (organization, beginning) => {
    const hours = range("2026-02-25T09:00:00.000Z", "2026-02-25T10:00:00.000Z", "hour");
    expect(csvName(organization, "deliveries", hours, "UTC").startsWith(`${beginning}-2026`)).toBe(true);
  });
});

it("writes names of the first column as the page does, and nothing else", () => {
  const csv = '"channel","sent"\r\n"sms",5\r\n"unknown",3\r\nunknown,1\r\n"unknown-b",2\r\n';
  expect(named(csv, { unknown: "No channel named", sent: "x" })).toBe(
    '"channel","sent"\r\n"sms",5\r\n"No channel named",3\r\n"No channel named",1\r\n"unknown-b",2\r\n',
  );
  expect(named(csv, {})).toBe(csv);
});
