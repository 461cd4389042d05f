// A visit to the page that fails on violations of the Content-Security-Policy, on requests to other origins, and on
// the page's own errors.

import { test as base, type Page, type Route } from "@playwright/test";

export interface Visit {
  page: Page;
  /** Opens the overview with a token; `search` begins with a question mark. */
  open: (token: string, search?: string) => Promise<void>;
}

export const test = base.extend<{ visit: Visit }>({
  visit: async ({ page, baseURL }, use) => {
    const troubles: string[] = [];
    const origin = new URL(baseURL ?? "").origin;
    page.on("request", (request) => {
      if (new URL(request.url()).origin !== origin) troubles.push(`request to ${request.url()}`);
    });
    page.on("pageerror", (error) => troubles.push(`error: ${error.message}`));
    page.on("console", (message) => {
      if (/content.security.policy/i.test(message.text())) troubles.push(message.text());
    });
    await use({
      page,
      open: async (token, search = "") => {
        const response = await page.goto(`/overview${search}#token=${token}`);
        const policy = response?.headers()["content-security-policy"] ?? "";
        if (!policy.includes("style-src 'self'") || policy.includes("unsafe")) {
          troubles.push(`the policy is "${policy}"`);
        }
      },
    });
    base.expect(troubles, "what must not happen on a visit").toEqual([]);
  },
});

export { expect } from "@playwright/test";

type Path = "summary" | "trends" | "workflow-health" | "insights" | "stream" | "*";

/** From now on the test answers the path. */
export async function instead(page: Page, path: Path, act: (route: Route) => Promise<void>): Promise<void> {
  await page.route((url) => url.pathname.startsWith(`/v1/metrics/${path === "*" ? "" : path}`), act);
}

/** From now on the path refuses with the status, as problem details. */
export function refusing(
  page: Page,
  path: Path,
  status: number,
  headers: Record<string, string> = {},
): Promise<void> {
  const problem = { type: "about:blank", title: "No", status, detail: "said by the test" };
  const answer = { status, headers: { "content-type": "application/problem+json", ...headers } };
  return instead(page, path, (route) => route.fulfill({ ...answer, body: JSON.stringify(problem) }));
}

/** From now on the test changes the path's real answers. */
export function changing(
  page: Page,
  path: Path,
  change: (body: Record<string, unknown>) => Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<void> {
  return instead(page, path, async (route) => {
    if (route.request().url().endsWith("/stream")) return route.fallback();
    const response = await route.fetch();
    if (!response.ok()) return route.fulfill({ response });
    const body = (await response.json()) as Record<string, unknown>;
    await route.fulfill({ response, json: change(body), headers: { ...response.headers(), ...headers } });
  });
}
