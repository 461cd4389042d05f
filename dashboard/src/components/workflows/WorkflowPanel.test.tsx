// Workflow health: what "failed" means, sorting, pages, and how a row limits the page.
//
// @vitest-environment happy-dom

import { cleanup, configure, fireEvent, screen, within } from "@testing-library/react";
import { HttpResponse } from "msw";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Workflow } from "../../api/answers";
import { overview, workflowHealth } from "../../testing/answers";
import { answer, answerTo, asked, serve } from "../../testing/api";
import { expectAddress, renderAlone } from "../../testing/around";
import { useOverview } from "../../view/questions";
import { WorkflowChip } from "./WorkflowChip";
import { WorkflowPanel } from "./WorkflowPanel";

serve();
configure({ asyncUtilTimeout: 10_000 });
afterEach(cleanup);

/** The panel, and above it what the page says of the workflow. */
const Shown = () => {
  const overview = useOverview();
  return (
    <>
      <WorkflowChip overview={overview} />
      <WorkflowPanel overview={overview} />
    </>
  );
};
const open = (search = "?timezone=UTC") => renderAlone(<Shown />, { search });

const names = () => screen.getAllByRole("rowheader").map((head) => head.textContent);
const cellsOf = (name: string) =>
  within(screen.getByRole("rowheader", { name }).closest("tr") as HTMLElement)
    .getAllByRole("cell")
    .map((cell) => cell.textContent?.replaceAll("\u00a0", " "));
const outcome = (name: string) =>
  document.querySelector(`data[data-outcome="${name}"]`)?.getAttribute("value");

function workflows(count: number): Workflow[] {
  const [one] = workflowHealth().workflows;
  if (one === undefined) throw new Error("a workflow");
  return Array.from({ length: count }, (_, n) => ({
    ...one,
    workflowId: `w${n}`,
    workflowName: `Flow ${String(n).padStart(2, "0")}`,
    failed: count - n,
    failedSafetyLimit: 0,
  }));
}

it("says its own range where it isn't the page's", async () => {
  const range = {
    ...workflowHealth().range,
    from: "2026-02-24T23:30:00.000Z",
    to: "2026-02-25T03:30:00.000Z",
  };
  answer("overview", overview({ workflowHealth: { ...workflowHealth(), range } }));
  open();
  expect((await screen.findByText(/^Counted by whole hours of UTC: /)).textContent).toMatch(/23:30|11:30/);
  cleanup();
  answer("overview", overview());
  open();
  await screen.findByText("Succeeded");
  expect(screen.queryByText(/^Counted by/)).toBeNull();
});

describe("failed runs", () => {
  it("are all that didn't succeed, in the bar and in the table", async () => {
    open();
    await screen.findByText("Succeeded");
    expect([outcome("success"), outcome("failed"), outcome("safetyLimit")]).toEqual(["9", "3", "1"]);
    expect(screen.getByText("1 of these stopped by the safety limit")).toBeTruthy();
    expect(cellsOf("Welcome").slice(0, 3)).toEqual(["8", "3", "37.5%"]);
  });

  it("are said to have met no limit if none has", async () => {
    const { totals } = workflowHealth();
    const health = workflowHealth({ totals: { ...totals, failed: 3, failedSafetyLimit: 0 } });
    answer("overview", overview({ workflowHealth: health }));
    open();
    await screen.findByText("Succeeded");
    expect(outcome("failed")).toBe("3");
    expect(outcome("safetyLimit")).toBeUndefined();
  });
});

it("says how long runs took as people read it, and what is an estimate", async () => {
  open();
  const times = await screen.findByLabelText("How long runs took");
  expect(times.textContent?.replaceAll("\u00a0", " ")).toBe(
    "Mean1.23 sHalf withinabout 900 ms95% withinabout 4.1 s99% withinabout 13 s",
  );
});

describe("the table", () => {
  it("is sorted by any column, either way round, and the address knows by which", async () => {
    open();
    await screen.findByText("Succeeded");
    expect(names()).toEqual(["Welcome", "Billing"]);
    const head = (name: string) => screen.getByRole("columnheader", { name });
    fireEvent.click(screen.getByRole("button", { name: "Workflow" }));
    await expectAddress({ sort: "name" });
    expect(names()).toEqual(["Billing", "Welcome"]);
    expect(head("Workflow").getAttribute("aria-sort")).toBe("ascending");
    fireEvent.click(screen.getByRole("button", { name: "Workflow" }));
    expect(names()).toEqual(["Welcome", "Billing"]);
    expect(head("Workflow").getAttribute("aria-sort")).toBe("descending");
    expect(asked.filter((question) => question.includes("workflow-health"))).toEqual([]);
  });

  it("turns its pages by itself while it has all workflows", async () => {
    answer("overview", overview({ workflowHealth: workflowHealth({ workflows: workflows(23) }) }));
    open();
    expect(await screen.findByText("1–10 of 23")).toBeTruthy();
    expect(names()).toHaveLength(10);
    fireEvent.click(screen.getByRole("button", { name: "Next" }));
    fireEvent.click(screen.getByRole("button", { name: "Next" }));
    expect(screen.getByText("21–23 of 23")).toBeTruthy();
    expect(names()).toEqual(["Flow 20", "Flow 21", "Flow 22"]);
    expect(screen.getByRole("button", { name: "Next" }).getAttribute("aria-disabled")).toBe("true");
    fireEvent.click(screen.getByRole("button", { name: "Previous" }));
    expect(screen.getByText("11–20 of 23")).toBeTruthy();
  });

  it("asks for the pages if there are more than an answer has, all of one range", async () => {
    const all = workflows(12);
    const some = workflowHealth({ workflows: all, nextWorkflowsCursor: "c100" });
    answer("overview", overview({ workflowHealth: some }));
    answerTo("get", "/metrics/workflow-health", ({ request }) => {
      const cursor = new URL(request.url).searchParams.get("workflowsCursor");
      const [page, next] = cursor === null ? [all.slice(0, 10), "c10"] : [all.slice(10), null];
      return HttpResponse.json(workflowHealth({ workflows: page, nextWorkflowsCursor: next }));
    });
    open();
    expect(await screen.findByText("1–10")).toBeTruthy();
    await expect
      .poll(() => screen.getByRole("button", { name: "Next" }).getAttribute("aria-disabled"))
      .toBe("false");
    fireEvent.click(screen.getByRole("button", { name: "Next" }));
    expect(await screen.findByText("11–12")).toBeTruthy();
    expect(names()).toEqual(["Flow 10", "Flow 11"]);
    const last = new URL(asked.at(-1) ?? "", "http://here").searchParams;
    expect(Object.fromEntries(last)).toMatchObject({
      workflowsCursor: "c10",
      sort: "failures",
      from: "2026-02-25T00:00:00.000Z",
      to: "2026-02-25T03:00:00.000Z",
    });
  });
});

describe("a row", () => {
  beforeEach(() => {
    const welcome = workflowHealth().workflows.slice(0, 1);
    const totals = { ...workflowHealth().totals, total: 8, success: 5 };
    answer("workflow-health", workflowHealth({ totals, workflows: welcome }));
  });

  it("leads to the page of its workflow, and the other rows stay", async () => {
    open();
    const link = await screen.findByRole("link", { name: "Welcome" });
    expect(link.getAttribute("href")).toBe("?timezone=UTC&workflow=w1");
    fireEvent.click(link);
    await expectAddress({ workflow: "w1" });
    await expect.poll(() => outcome("success")).toBe("5");
    expect(names()).toEqual(["Welcome", "Billing"]);
    expect(screen.getByRole("link", { name: "Welcome" }).getAttribute("aria-current")).toBe("true");
  });

  it("has totals that say whose they are", async () => {
    open("?timezone=UTC&workflow=w1");
    expect(await screen.findByText("of Welcome")).toBeTruthy();
  });

  it("is left by the page's chip", async () => {
    open("?timezone=UTC&workflow=w1");
    fireEvent.click(await screen.findByRole("button", { name: /Workflow:\s*Welcome/ }));
    await expectAddress({ workflow: null });
    expect(screen.queryByRole("button", { name: /Workflow:\s*Welcome/ })).toBeNull();
    expect(screen.queryByText("of Welcome")).toBeNull();
    expect(outcome("success")).toBe("9");
  });

  it("of a workflow without runs says so", async () => {
    const totals = { ...workflowHealth().totals, total: 0, success: 0, failed: 0, failedSafetyLimit: 0 };
    answer("workflow-health", workflowHealth({ totals, workflows: [] }));
    open("?timezone=UTC&workflow=gone");
    expect(await screen.findByText("This workflow finished no run in this period")).toBeTruthy();
    expect(screen.getByRole("button", { name: /Workflow:\s*gone/ })).toBeTruthy();
  });
});

it("says that nothing finished", async () => {
  const totals = { ...workflowHealth().totals, total: 0, success: 0, failed: 0, failedSafetyLimit: 0 };
  answer("overview", overview({ workflowHealth: workflowHealth({ totals, workflows: [] }) }));
  open();
  expect(await screen.findByText("No workflow finished in this period")).toBeTruthy();
  expect(screen.queryByRole("table")).toBeNull();
});
