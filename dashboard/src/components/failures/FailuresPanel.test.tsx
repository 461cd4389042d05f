// Failures: by message, each with its runs, or run by run; and the way to a run elsewhere.
//
// @vitest-environment happy-dom

import { cleanup, configure, fireEvent, screen, within } from "@testing-library/react";
import { HttpResponse } from "msw";
import { afterEach, describe, expect, it } from "vitest";
import { failureGroups, failures, overview, workflowHealth } from "../../testing/answers";
import { answer, answerTo, asked, refuse, serve } from "../../testing/api";
import { renderAlone } from "../../testing/around";
import { tokenOf } from "../../testing/tokens";
import { useOverview } from "../../view/questions";
import { FailuresPanel } from "./FailuresPanel";

serve();
configure({ asyncUtilTimeout: 10_000 });
afterEach(cleanup);

const READER = tokenOf({ organization_id: "org_acme" });
const WRITER = tokenOf({
  organization_id: "org_acme",
  scope: "metrics:read settings:read settings:write",
});
const RUN = "https://runs.example.com/{workflowId}/{executionId}";

const Shown = () => <FailuresPanel overview={useOverview()} />;
const open = (token = READER, search = "?timezone=UTC") => renderAlone(<Shown />, { token, search });
const links = (run: string | null, etag = '"1"') =>
  HttpResponse.json(
    {
      organizationId: "org_acme",
      run,
      updatedAt: run === null ? null : "2026-02-24T10:00:00.000Z",
      updatedBy: null,
    },
    { headers: { etag } },
  );

/** Runs of a group, as so many pages of one. */
function runsOfGroup(pages: number): void {
  const [run] = failures().failures;
  answerTo("get", "/metrics/failures", ({ request }) => {
    const query = new URL(request.url).searchParams;
    const page = Number(query.get("cursor") ?? "1");
    const failure = { ...run, executionId: `run_${page}`, errorMessage: `order ${page} not found` };
    const nextCursor = page < pages ? String(page + 1) : null;
    return HttpResponse.json({ ...failures(), failures: [failure], nextCursor });
  });
}

describe("by message", () => {
  it("says which workflow it is of, if the page is limited to one", async () => {
    renderAlone(<Shown />, { search: "?timezone=UTC&workflow=w9" });
    expect(await screen.findByText("of w9")).toBeTruthy();
  });

  it("says how many, where and since when", async () => {
    open();
    const group = (await screen.findByText("order 1001 not found")).closest("li") as HTMLElement;
    expect(within(group).getByText("2 runs").getAttribute("value")).toBe("2");
    expect(within(group).getByText("Welcome")).toBeTruthy();
    const times = [...group.querySelectorAll("time")].map((time) => time.getAttribute("datetime"));
    expect(times).toEqual(["2026-02-25T00:10:00.250Z", "2026-02-25T01:40:00.000Z"]);
    const single = screen.getByText("the mail server said no").closest("li") as HTMLElement;
    expect(single.querySelectorAll("time")).toHaveLength(1);
  });

  it("opens to the runs of the group, page by page", async () => {
    runsOfGroup(2);
    open();
    const group = (await screen.findByText("order 1001 not found")).closest("li") as HTMLElement;
    const details = group.querySelector("details") as HTMLDetailsElement;
    details.open = true;
    fireEvent(details, new Event("toggle"));
    expect(await within(group).findByText("order 1 not found")).toBeTruthy();
    expect(within(group).getByText("order # not found")).toBeTruthy();
    expect(
      asked.some(
        (question) => question.includes("/failures?") && question.includes("group=51fdf7a3c0dd6a1e"),
      ),
    ).toBe(true);
    fireEvent.click(within(group).getByRole("button", { name: "Next" }));
    expect(await within(group).findByText("order 2 not found")).toBeTruthy();
    expect(group.querySelector("[data-run=run_2]")).toBeTruthy();
  });

  it("is of the workflow that the page is of", async () => {
    open(READER, "?timezone=UTC&workflow=w1");
    await screen.findByText("order 1001 not found");
    expect(asked.find((question) => question.includes("failure-groups"))).toContain("workflow=w1");
  });

  it("says what is in no group", async () => {
    const groupedFrom = "2026-02-25T00:10:00.250Z";
    answer("failure-groups", failureGroups({ failed: 12_000, groupedFrom }));
    open();
    expect(await screen.findByText(/These are the newest 3 of 12,000 failed runs, since/)).toBeTruthy();
  });

  it("turns pages that belong to one range", async () => {
    answerTo("get", "/metrics/failure-groups", ({ request }) => {
      const cursor = new URL(request.url).searchParams.get("cursor");
      const { groups } = failureGroups();
      const page = cursor === null ? groups.slice(0, 1) : groups.slice(1);
      return HttpResponse.json(failureGroups({ groups: page, nextCursor: cursor === null ? "c1" : null }));
    });
    open();
    await screen.findByText("order 1001 not found");
    fireEvent.click(screen.getByRole("button", { name: "Next" }));
    expect(await screen.findByText("the mail server said no")).toBeTruthy();
    expect(asked.at(-1)).toContain("cursor=c1");
    expect(asked.at(-1)).toContain("from=2026-02-25T00%3A00%3A00.000Z");
  });
});

it("lists single runs, each with its details", async () => {
  open();
  fireEvent.click(await screen.findByRole("radio", { name: "Single runs" }));
  const run = await screen.findByText("run_1");
  const item = run.closest("li") as HTMLElement;
  expect(item.textContent).toContain("Failed with an error");
  expect(item.textContent?.replaceAll("\u00a0", " ")).toContain("Took1.5 s");
  expect(within(item).getByRole("button", { name: /Copy\s*run id/ })).toBeTruthy();
});

describe("nothing", () => {
  const none = failureGroups({ failed: 0, grouped: 0, groups: [] });

  it("that failed is good news", async () => {
    answer("failure-groups", none);
    open();
    expect(await screen.findByText("No run failed in this period")).toBeTruthy();
  });

  it("that ran is none", async () => {
    answer("failure-groups", none);
    const totals = { ...workflowHealth().totals, total: 0 };
    answer("overview", overview({ workflowHealth: workflowHealth({ totals, workflows: [] }) }));
    open();
    expect(await screen.findByText("No workflow finished in this period")).toBeTruthy();
  });

  it("that is kept is said of what is counted", async () => {
    answer("failure-groups", { ...none, failed: 40, groupedFrom: "2026-02-25T03:00:00.000Z" });
    open();
    expect(await screen.findByText(/40 failed runs are counted, but too long ago/)).toBeTruthy();
  });
});

it("says why there is no answer, and asks again", async () => {
  refuse("failure-groups", 503);
  open();
  await screen.findByText("Couldn’t be loaded");
  answer("failure-groups", failureGroups());
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByText("order 1001 not found")).toBeTruthy();
});

describe("the link to a run", () => {
  const menu = async () => {
    await screen.findByText("order 1001 not found");
    fireEvent.click(screen.getByRole("button", { name: /^More/ }));
  };
  const openForm = async () => {
    await menu();
    fireEvent.click(await screen.findByRole("button", { name: "Link runs to your system…" }));
    return screen.findByLabelText<HTMLInputElement>("Address of a run");
  };

  it("leads to the customer's own system", async () => {
    answerTo("get", "/settings/links", () => links(RUN));
    open();
    fireEvent.click(await screen.findByRole("radio", { name: "Single runs" }));
    const link = await screen.findByRole("link", { name: /Open run/ });
    expect(link.getAttribute("href")).toBe("https://runs.example.com/w1/run_1");
    expect(link.getAttribute("rel")).toBe("noreferrer");
  });

  it("isn't there where nobody has set it, and isn't set by somebody who may not", async () => {
    answerTo("get", "/settings/links", () => links(null));
    open();
    await menu();
    expect(await screen.findByRole("button", { name: /^Save as CSV/ })).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Link runs to your system…" })).toBeNull();
    expect(screen.queryByRole("link", { name: /Open run/ })).toBeNull();
  });

  it("is set by somebody who may, once it is an address", async () => {
    answerTo("get", "/settings/links", () => links(null));
    const puts: [string | null, unknown][] = [];
    answerTo("put", "/settings/links", async ({ request }) => {
      puts.push([request.headers.get("if-match"), await request.json()]);
      return links(RUN, '"2"');
    });
    open(WRITER);
    const field = await openForm();
    fireEvent.change(field, { target: { value: "http://runs.example.com/{executionId}" } });
    fireEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("The address must begin with https://")).toBeTruthy();
    expect(field.getAttribute("aria-invalid")).toBe("true");
    fireEvent.change(field, { target: { value: RUN } });
    expect(await screen.findByRole("link", { name: "https://runs.example.com/w1/run_7" })).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Save" }));
    await expect.poll(() => puts).toEqual([['"1"', { run: RUN }]]);
    await expect.poll(() => screen.queryByLabelText("Address of a run")).toBeNull();
  });

  it("isn't overwritten unseen", async () => {
    let kept: [string | null, string] = [null, '"1"'];
    answerTo("get", "/settings/links", () => links(...kept));
    const puts: (string | null)[] = [];
    answerTo("put", "/settings/links", ({ request }) => {
      puts.push(request.headers.get("if-match"));
      if (request.headers.get("if-match") === kept[1]) return links(RUN, '"3"');
      const problem = { type: "/problems/changed-meanwhile", title: "Changed", status: 412 };
      return HttpResponse.json(problem, { status: 412 });
    });
    open(WRITER);
    const field = await openForm();
    kept = ["https://other.example/{executionId}", '"2"'];
    fireEvent.change(field, { target: { value: RUN } });
    fireEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("https://other.example/{executionId}")).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Save mine anyway" }));
    await expect.poll(() => puts).toEqual(['"1"', '"2"']);
    await expect.poll(() => screen.queryByLabelText("Address of a run")).toBeNull();
  });
});
