// The small controls: comparison, organization, language, appearance, live mode.
//
// @vitest-environment happy-dom

import { cleanup, fireEvent, screen } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serve, server } from "../../testing/api";
import { overview, summary } from "../../testing/answers";
import { expectAddress, renderAlone } from "../../testing/around";
import { useTexts } from "../../texts/TextsContext";
import { useOverview } from "../../view/questions";
import { CompareSelect } from "./CompareSelect";
import { LanguageSwitch } from "./LanguageSwitch";
import { LiveSwitch } from "./LiveSwitch";
import { OrganizationSwitch } from "./OrganizationSwitch";
import { ThemeSwitch } from "./ThemeSwitch";

serve();
beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
});
afterEach(cleanup);

describe("the comparison", () => {
  it("is chosen in plain words, and says its dates", async () => {
    renderAlone(<CompareSelect comparison={summary().comparison} range={null} />);
    const select = screen.getByRole<HTMLSelectElement>("combobox", { name: "Compared with" });
    expect(select.selectedOptions[0]?.textContent).toBe("the period before");
    const description = document.getElementById(select.getAttribute("aria-describedby") ?? "");
    expect(description?.textContent).toMatch(/24.*21:30|Feb 24.*9:30/);
    fireEvent.change(select, { target: { value: "previous_week" } });
    await expectAddress({ compare: "previous_week" });
    // The dates are those of the answer before.
    expect(description?.textContent).toBe("");
  });
});

/** A token with these claims; nobody checks its signature here. */
function tokenOf(claims: object): string {
  const part = (value: object) => btoa(JSON.stringify(value)).replaceAll("=", "");
  return `${part({ alg: "HS256" })}.${part({ exp: 4_000_000_000, ...claims })}.x`;
}

function Asking() {
  useOverview();
  return null;
}

describe("the organization", () => {
  it("is no choice with one", () => {
    renderAlone(<OrganizationSwitch name="Acme" />, { token: tokenOf({ organization_id: "org_acme" }) });
    expect(screen.queryByLabelText("Organization")).toBeNull();
  });

  it("is chosen among several, and asked for", async () => {
    const token = tokenOf({ organization_id: "org_acme", organizations: ["org_acme", "org_bolt"] });
    const askedFor: (string | null)[] = [];
    server.use(
      http.get("*/v1/metrics/overview", ({ request }) => {
        askedFor.push(request.headers.get("organization-id"));
        return HttpResponse.json(overview());
      }),
    );
    renderAlone(
      <>
        <OrganizationSwitch name="Acme" />
        <Asking />
      </>,
      { token },
    );
    const select = screen.getByRole<HTMLSelectElement>("combobox", { name: "Organization" });
    await expect.poll(() => askedFor).toEqual(["org_acme"]);
    fireEvent.change(select, { target: { value: "org_bolt" } });
    expect(select.value).toBe("org_bolt");
    expect([...select.options].map((option) => option.value)).toEqual(["org_acme", "org_bolt"]);
    await expect.poll(() => askedFor).toEqual(["org_acme", "org_bolt"]);
  });
});

it("speaks another language at once, and remembers it", async () => {
  const Word = () => (
    <p>
      {useTexts().controls.live}: {useTexts().controls.period}
    </p>
  );
  renderAlone(
    <>
      <LanguageSwitch />
      <Word />
    </>,
  );
  expect(screen.getByText("Live: Period")).toBeTruthy();
  fireEvent.click(screen.getByRole("radio", { name: "Deutsch" }));
  expect(await screen.findByText("Live: Zeitraum")).toBeTruthy();
  expect(screen.getByRole("group", { name: "Sprache" })).toBeTruthy();
  await expect.poll(() => document.documentElement.lang).toBe("de");
  expect(localStorage.getItem("language")).toBe("de");
});

it("looks as chosen", () => {
  renderAlone(<ThemeSwitch />);
  fireEvent.click(screen.getByRole("radio", { name: "Dark" }));
  expect(document.documentElement.dataset["theme"]).toBe("dark");
  fireEvent.click(screen.getByRole("radio", { name: "As the system" }));
  expect(document.documentElement.dataset["theme"]).toBeUndefined();
});

it("turns live mode off and on, and says how numbers come", async () => {
  renderAlone(<LiveSwitch />);
  const live = screen.getByRole("switch", { name: /^Live/ });
  expect(live.getAttribute("aria-checked")).toBe("true");
  await expect.poll(() => live.textContent).toBe("Liveevery 10 s");
  fireEvent.click(live);
  expect(live.getAttribute("aria-checked")).toBe("false");
  expect(live.textContent).toBe("Liveoff");
});
