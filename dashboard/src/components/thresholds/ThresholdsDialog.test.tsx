// The dialog of thresholds: who sees it, what it saves, and what it says when it can't.
//
// @vitest-environment happy-dom

import { cleanup, configure, fireEvent, screen } from "@testing-library/react";
import { HttpResponse } from "msw";
import type { ReactNode } from "react";
import { afterEach, describe, expect, it } from "vitest";
import type { Thresholds } from "../../api/answers";
import { thresholds } from "../../testing/answers";
import { answerTo, asked, serve } from "../../testing/api";
import { renderAlone } from "../../testing/around";
import { tokenOf } from "../../testing/tokens";
import { useOverview } from "../../view/questions";
import { ThresholdsButton } from "./ThresholdsButton";

serve();
configure({ asyncUtilTimeout: 10_000 });
afterEach(cleanup);

const tokenWith = (scope: string) => tokenOf({ organization_id: "org_acme", scope });
const READER = tokenWith("metrics:read settings:read");
const WRITER = tokenWith("metrics:read settings:read settings:write");

const PAYMENTS = thresholds().alerts[0];
if (PAYMENTS === undefined) throw new Error("an alert");
const OWN: Thresholds = {
  ...thresholds(),
  alerts: [
    {
      ...PAYMENTS,
      own: { warning: 97.5, critical: null, leastSample: null },
      thresholdSource: "organization",
      updatedAt: "2026-02-24T10:00:00.000Z",
      updatedBy: "ann",
    },
    { ...PAYMENTS, key: "message_delivery_low", kpi: "message_delivery_rate", title: "Messages are late" },
  ],
};

interface Put {
  ifMatch: string | null;
  document: unknown;
}

/** The API with these thresholds, which takes changes of what has the tag. */
function keeps(
  body: Thresholds,
  etag = '"1"',
): { puts: Put[]; changeTo: (body: Thresholds, etag: string) => void } {
  let kept = { body, etag };
  const puts: Put[] = [];
  const shown = () => HttpResponse.json(kept.body, { headers: { etag: kept.etag } });
  answerTo("get", "/settings/thresholds", shown);
  answerTo("put", "/settings/thresholds", async ({ request }) => {
    const ifMatch = request.headers.get("if-match");
    puts.push({ ifMatch, document: await request.json() });
    if (ifMatch === kept.etag) return shown();
    const problem = { type: "/problems/changed-meanwhile", title: "Changed", status: 412 };
    return HttpResponse.json(problem, { status: 412 });
  });
  return { puts, changeTo: (next, tag) => (kept = { body: next, etag: tag }) };
}

async function open(token: string, kpi?: string, more: ReactNode = null): Promise<void> {
  const button = <ThresholdsButton {...(kpi === undefined ? {} : { kpi })} />;
  renderAlone(
    <>
      {button}
      {more}
    </>,
    { token },
  );
  fireEvent.click(await screen.findByRole("button", { name: "Thresholds" }));
  await screen.findByRole("dialog", { name: "Thresholds of alerts", hidden: true });
  await screen.findAllByLabelText(/Warning below/);
}

const fields = (label: RegExp) => screen.getAllByLabelText<HTMLInputElement>(label);
const type = (label: RegExp, text: string, index = 0) => {
  const field = fields(label)[index];
  if (field === undefined) throw new Error(String(label));
  fireEvent.change(field, { target: { value: text } });
  return field;
};
const save = () => fireEvent.click(screen.getByRole("button", { name: "Save", hidden: true }));
/** What it says once it is saved. */
const saved = () => screen.queryByText(/^Saved/)?.textContent.replaceAll("\u00a0", " ");

it("isn't there for somebody who may not see them", () => {
  renderAlone(<ThresholdsButton />, { token: tokenWith("metrics:read") });
  expect(screen.queryByRole("button")).toBeNull();
});

it("shows what applies, what is the default, and who has changed it", async () => {
  keeps(OWN);
  await open(READER);
  const [warning] = fields(/Warning below/);
  expect([warning?.value, warning?.placeholder, warning?.readOnly]).toEqual(["97.5", "95", true]);
  expect(fields(/Critical below/)[0]?.value).toBe("");
  expect(screen.getAllByText("Default: 85").length).toBe(2);
  expect(screen.getByText(/^Changed .*24.* 2026.*10:00:00.*, by ann$/)).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Save", hidden: true })).toBeNull();
});

it("says when they were changed if the token named nobody", async () => {
  keeps({ ...OWN, alerts: OWN.alerts.map((alert) => ({ ...alert, updatedBy: null })) });
  await open(READER);
  expect(screen.getByText(/^Changed .*24.* 2026.*, with a token that names nobody$/)).toBeTruthy();
});

it("says whose they are, and over what figures are judged", async () => {
  keeps(OWN);
  await open(WRITER);
  expect(screen.getByText(/the organization’s: everybody .* the whole period that is shown/)).toBeTruthy();
});

it("has the numbers judged anew once it is changed, and isn't asked for again itself", async () => {
  keeps(OWN);
  const Numbers = () => <p>{useOverview().data === undefined ? "none yet" : "numbers"}</p>;
  await open(WRITER, undefined, <Numbers />);
  await screen.findByText("numbers");
  const count = (path: string) => asked.filter((question) => question.includes(path)).length;
  const before = count("/metrics/overview");
  expect(count("/settings/thresholds")).toBe(1);
  type(/Warning below/, "96");
  save();
  await expect.poll(saved).toBeDefined();
  await expect.poll(() => count("/metrics/overview")).toBe(before + 1);
  // It was put once; the answer has what is kept now.
  expect(count("/settings/thresholds")).toBe(2);
});

it("can be of one figure, and keeps the others as they are", async () => {
  const both = {
    ...OWN,
    alerts: OWN.alerts.map((alert) => ({ ...alert, own: { warning: 91, critical: 90, leastSample: 7 } })),
  };
  const { puts } = keeps(both);
  await open(WRITER, "message_delivery_rate");
  expect(fields(/Warning below/)).toHaveLength(1);
  type(/Warning below/, "92");
  save();
  await expect.poll(saved).toBeDefined();
  const limits = { warning: 91, critical: 90, leastSample: 7 };
  expect(puts).toEqual([
    {
      ifMatch: '"1"',
      document: {
        thresholds: { payment_success_low: limits, message_delivery_low: { ...limits, warning: 92 } },
      },
    },
  ]);
});

it("saves what is typed, in either way of writing, and resets to the defaults", async () => {
  const { puts } = keeps(OWN);
  await open(WRITER);
  fireEvent.click(screen.getByRole("button", { name: /Reset to the defaults/, hidden: true }));
  expect(fields(/Warning below/)[0]?.value).toBe("");
  type(/Warning below/, "88,5", 1);
  save();
  await expect.poll(saved).toBeDefined();
  expect(puts[0]?.document).toEqual({
    thresholds: { message_delivery_low: { warning: 88.5, critical: null, leastSample: null } },
  });
});

it("says what was saved, until something else is typed", async () => {
  keeps(OWN);
  answerTo("put", "/settings/thresholds", () =>
    HttpResponse.json({
      ...OWN,
      alerts: OWN.alerts.map((alert, index) =>
        index === 0 ? { ...alert, own: { ...alert.own, warning: 90 } } : alert,
      ),
    }),
  );
  await open(WRITER);
  type(/Warning below/, "90");
  expect(saved()).toBeUndefined();
  save();
  await expect.poll(saved).toBe("Saved: Payments are failing – Warning below 90%");
  type(/Warning below/, "91");
  expect(saved()).toBeUndefined();
});

describe("what is wrong", () => {
  it("is said at its field, and nothing is sent", async () => {
    const { puts } = keeps(OWN);
    await open(WRITER);
    const field = type(/Warning below/, "101");
    save();
    expect(await screen.findByText("From 0% to 100%.")).toBeTruthy();
    expect(field.getAttribute("aria-invalid")).toBe("true");
    type(/Warning below/, "80");
    save();
    expect(await screen.findByText("“Critical” must not be above “warning”.")).toBeTruthy();
    expect(puts).toEqual([]);
  });

  it("by the API's rules is said there, too", async () => {
    keeps(OWN);
    answerTo("put", "/settings/thresholds", () =>
      HttpResponse.json(
        {
          type: "/problems/bad-document",
          title: "No",
          status: 400,
          detail: "this must be even",
          pointer: "/thresholds/payment_success_low/leastSample",
        },
        { status: 400 },
      ),
    );
    await open(WRITER);
    const field = type(/With at least/, "7");
    save();
    expect(await screen.findByText("The service says: this must be even.")).toBeTruthy();
    expect(field.getAttribute("aria-invalid")).toBe("true");
    type(/With at least/, "8");
    await expect.poll(() => screen.queryByText("The service says: this must be even.")).toBeNull();
  });

  it("with the connection leaves what is typed", async () => {
    keeps(OWN);
    answerTo("put", "/settings/thresholds", () => HttpResponse.error());
    await open(WRITER);
    const field = type(/Warning below/, "98");
    save();
    expect(await screen.findByText("They couldn’t be saved.")).toBeTruthy();
    expect(field.value).toBe("98");
  });
});

describe("a change by somebody else meanwhile", () => {
  const theirs: Thresholds = {
    ...OWN,
    alerts: OWN.alerts.map((alert) => ({ ...alert, own: { ...alert.own, warning: 96 } })),
  };

  it("isn't overwritten unseen", async () => {
    const { puts, changeTo } = keeps(OWN);
    await open(WRITER);
    changeTo(theirs, '"2"');
    const field = type(/Warning below/, "99");
    save();
    fireEvent.click(await screen.findByRole("button", { name: "Show theirs", hidden: true }));
    expect(fields(/Warning below/).map(({ value }) => value)).toEqual(["96", "96"]);
    expect(field.value).toBe("96");
    type(/Warning below/, "99");
    save();
    await expect.poll(saved).toBeDefined();
    expect(puts.map(({ ifMatch }) => ifMatch)).toEqual(['"1"', '"2"']);
  });

  it("is overwritten if that is wanted", async () => {
    const { puts, changeTo } = keeps(OWN);
    await open(WRITER);
    changeTo(theirs, '"2"');
    type(/Warning below/, "99");
    save();
    fireEvent.click(await screen.findByRole("button", { name: "Save mine anyway", hidden: true }));
    await expect.poll(saved).toBeDefined();
    expect(puts.map(({ ifMatch }) => ifMatch)).toEqual(['"1"', '"2"']);
    expect(puts[1]?.document).toMatchObject({ thresholds: { payment_success_low: { warning: 99 } } });
  });
});
