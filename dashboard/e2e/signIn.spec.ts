// Signing in at a real OpenID provider (`provider.mjs`), with a query API that takes its tokens.
//
// E2E_SIGN_IN_URL        where that API serves the page
// E2E_SHORT_SIGN_IN_URL  where another one does, whose provider's tokens are valid for a few seconds

import { expect, type Page, type Request, test as base } from "@playwright/test";

const PAGE = process.env["E2E_SIGN_IN_URL"] ?? "";
const SHORT = process.env["E2E_SHORT_SIGN_IN_URL"] ?? "";

/** Within this a short session is renewed a few times, or has ended and was noticed, also on a busy machine. */
const SESSION_MS = 90_000;

interface Visit {
  page: Page;
  /** What was asked of the provider's token endpoint: its kinds of grant. */
  grants: string[];
}

/** A visit during which the page asks itself and its provider, and nobody else. */
const test = base.extend<{ visit: Visit }>({
  visit: async ({ page }, use) => {
    const troubles: string[] = [];
    const grants: string[] = [];
    page.on("console", (message) => {
      if (/content.security.policy/i.test(message.text())) troubles.push(message.text());
    });
    page.on("pageerror", (error) => troubles.push(error.message));
    page.on("request", (request: Request) => {
      const { hostname, pathname } = new URL(request.url());
      if (hostname !== "127.0.0.1") troubles.push(`request to ${request.url()}`);
      if (pathname === "/token")
        grants.push(new URLSearchParams(request.postData() ?? "").get("grant_type") ?? "");
    });
    await use({ page, grants });
    expect(troubles, "what must not happen on a visit").toEqual([]);
  },
});

test.beforeEach(() => {
  expect([PAGE, SHORT], "E2E_SIGN_IN_URL, E2E_SHORT_SIGN_IN_URL").not.toContain("");
});

const button = (page: Page) => page.getByRole("button", { name: /^Sign in with 127\.0\.0\.1:/ });
const numbers = (page: Page) => page.locator("[data-kpi]").first();

/** Types the account's name at the provider. */
async function as(page: Page, account: string): Promise<void> {
  await page.getByLabel("Account").fill(account);
  await page.getByRole("button", { name: "Continue" }).click();
}

async function signIn(page: Page, account: string, url = PAGE, view = ""): Promise<void> {
  await page.goto(`${url}/overview${view}`);
  await button(page).click();
  await as(page, account);
}

test("the signed-out page says where to sign in and who gives access", async ({ visit: { page } }) => {
  await page.goto(`${PAGE}/overview`);
  await expect(button(page)).toBeVisible();
  await expect(page.getByRole("link", { name: "metrics-team@example.com" })).toHaveAttribute(
    "href",
    /^mailto:/,
  );
  await page.getByText("Use an access token instead").click();
  await expect(page.getByLabel("Access token")).toBeVisible();
});

test("one signs in, and is back at the view", async ({ visit: { page, grants } }) => {
  await signIn(page, "ann", PAGE, "?range=7d&timezone=Asia/Kathmandu");
  await expect(numbers(page)).toBeVisible();
  expect(grants).toEqual(["authorization_code"]);
  expect(page.url()).toBe(`${PAGE}/overview?range=7d&timezone=Asia/Kathmandu`);
  // Nothing is left of it in the history: Back leads to the page, not to a code.
  await page.goBack();
  expect(page.url()).not.toContain("code=");
});

test("what is kept is in this tab", async ({ visit: { page } }) => {
  await signIn(page, "ann");
  await expect(numbers(page)).toBeVisible();
  const kept = await page.evaluate(() => [
    Object.keys(sessionStorage).sort(),
    { ...localStorage },
    document.cookie,
  ]);
  expect(kept[0]).toEqual(["grant", "token"]);
  expect(JSON.stringify(kept.slice(1))).not.toContain("eyJ");
  await page.reload();
  await expect(numbers(page)).toBeVisible();
});

test("signing out ends the session at the provider, too", async ({ visit: { page } }) => {
  await signIn(page, "ann");
  await expect(numbers(page)).toBeVisible();
  await signOut(page);
  await page.getByRole("button", { name: "Sign out everywhere" }).click();
  await expect(button(page)).toBeVisible();
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  await button(page).click();
  await expect(page.getByLabel("Account")).toBeVisible();
});

test("signing out reaches the browser's other windows", async ({ visit: { page }, context }) => {
  await signIn(page, "ann");
  const other = await context.newPage();
  await other.goto(`${PAGE}/overview`);
  await button(other).click(); // the provider knows the person already
  await expect(numbers(other)).toBeVisible();
  await signOut(page);
  await expect(button(other)).toBeVisible();
});

test("one of several organizations is chosen, and stands in the address", async ({ visit: { page } }) => {
  await signIn(page, "several");
  await expect(page.getByRole("heading", { name: "Which organization?" })).toBeVisible();
  const [first] = await page.getByRole("listitem").getByRole("button").allTextContents();
  await page.getByRole("button", { name: first ?? "" }).click();
  await expect(numbers(page)).toBeVisible();
  expect(new URL(page.url()).searchParams.get("organization")).toBe(first);
});

test("a link opens the organization that it names, if the person has it", async ({ visit: { page } }) => {
  await signIn(page, "ann", PAGE, "?organization=of-somebody-else&range=7d");
  await expect(page.getByRole("status").filter({ hasText: "of-somebody-else" })).toBeVisible();
  await expect(numbers(page)).toBeVisible();
  expect(page.url()).toBe(`${PAGE}/overview?range=7d`);
});

test("who has no organization is told what is missing and whom to ask", async ({ visit: { page } }) => {
  await signIn(page, "nobody");
  await expect(page.getByRole("heading", { name: "Not linked to an organization" })).toBeVisible();
  await expect(page.getByText("Nora Nobody")).toBeVisible();
  await expect(page.getByText("organization_id", { exact: false })).toBeVisible();
  const letter = await page.getByRole("link", { name: "metrics-team@example.com" }).getAttribute("href");
  expect(decodeURIComponent(letter ?? "")).toContain("Nora Nobody");
  await page.getByRole("button", { name: "Sign in as somebody else" }).click();
  await expect(page.getByRole("button", { name: "Sign out everywhere" })).toBeVisible();
});

test("a token that the API can't read is explained", async ({ visit: { page } }) => {
  await signIn(page, "opaque");
  await expect(page.getByRole("status")).toContainText("gave no token that this service can read");
});

test("a provider's refusal is told, and one can try again", async ({ visit: { page } }) => {
  await signIn(page, "denied");
  await expect(page.getByRole("status")).toContainText("This account may not sign in.");
  expect(new URL(page.url()).search).toBe("");
  await button(page).click();
  await as(page, "ann");
  await expect(numbers(page)).toBeVisible();
});

test("an answer with another state is not taken", async ({ visit: { page, grants } }) => {
  await page.goto(`${PAGE}/overview`);
  await button(page).click();
  await expect(page.getByLabel("Account")).toBeVisible();
  await page.goto(`${PAGE}/overview?code=stolen&state=forged`);
  await expect(page.getByRole("status")).toContainText("This sign-in can’t be finished.");
  expect(page.url()).toBe(`${PAGE}/overview`);
  expect(grants).toEqual([]);
});

test("a provider that can't be reached is named", async ({ visit: { page } }) => {
  await page.goto(`${PAGE}/overview`);
  await page.route("**/.well-known/openid-configuration", (route) => route.abort("connectionrefused"));
  await button(page).click();
  await expect(page.getByRole("status")).toContainText(/127\.0\.0\.1:\d+ can’t be reached/);
});

test("a session with a refresh token goes on without leaving the page", async ({
  visit: { page, grants },
}) => {
  test.setTimeout(3 * SESSION_MS);
  await signIn(page, "ann", SHORT);
  await expect(numbers(page)).toBeVisible();
  const left: string[] = [];
  page.on("framenavigated", (frame) => left.push(frame.url()));
  const renewals = () => grants.filter((grant) => grant === "refresh_token").length;
  await expect.poll(renewals, { timeout: SESSION_MS }).toBeGreaterThanOrEqual(3);
  await expect(numbers(page)).toBeVisible();
  expect(left).toEqual([]);
});

test("a session without one is told of, begins again by itself once, and comes back to the view", async ({
  visit,
}) => {
  test.setTimeout(3 * SESSION_MS);
  const { page, grants } = visit;
  await signIn(page, "ben", SHORT, "?range=30d");
  await expect(page.getByRole("status").filter({ hasText: "Your sign-in ends at" })).toBeVisible();
  const twice = ["authorization_code", "authorization_code"];
  await expect.poll(() => grants, { timeout: SESSION_MS }).toEqual(twice);
  await expect(numbers(page)).toBeVisible();
  expect(page.url()).toBe(`${SHORT}/overview?range=30d`);
  // That one ends within seconds, too: now a person has to say so.
  const ended = page.getByRole("status").filter({ hasText: "Your sign-in has ended." });
  await expect(ended).toBeVisible({ timeout: SESSION_MS });
  await button(page).click();
  await expect(numbers(page)).toBeVisible();
});

/** By the account's menu. */
async function signOut(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Account and appearance" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
}
