// A visit to the page that fails on violations of the Content-Security-Policy, on requests to other origins, and on
// the page's own errors.

import {
  type Browser,
  test as base,
  type BrowserContextOptions,
  type Page,
  type Route,
} from "@playwright/test";

export interface Visit {
  page: Page;
  /** Opens the overview with a token; `search` begins with a question mark. */
  open: (token: string, search?: string) => Promise<void>;
  /** One more window of the same browser, watched as the first one is. */
  another: () => Promise<Visit>;
  /** A window of another browser, or of another person. */
  elsewhere: (options?: BrowserContextOptions, browser?: Browser) => Promise<Visit>;
}

interface Fixtures {
  visit: Visit;
  /** A browser of its own, on a system whose environment differs. */
  launched: (environment: Record<string, string>) => Promise<Browser>;
}

export const test = base.extend<Fixtures>({
  launched: async ({ playwright, launchOptions }, use) => {
    const browsers: Browser[] = [];
    await use(async (environment) => {
      const env = { ...(launchOptions.env ?? process.env), ...environment } as Record<string, string>;
      const browser = await playwright.chromium.launch({ ...launchOptions, env });
      browsers.push(browser);
      return browser;
    });
    for (const browser of browsers) await browser.close();
  },
  visit: async ({ page, browser, baseURL, viewport }, use) => {
    const origin = new URL(baseURL ?? "").origin;
    const troubles: string[] = [];
    const visitOf = (page: Page): Visit => {
      watch(page, origin, troubles);
      return {
        page,
        open: async (token, search = "") => {
          const response = await page.goto(`${origin}/overview${search}#token=${token}`);
          // The same page with another fragment is not loaded again.
          if (response === null) return;
          const policy = response.headers()["content-security-policy"] ?? "";
          if (!policy.includes("style-src 'self'") || policy.includes("unsafe")) {
            troubles.push(`the policy is "${policy}"`);
          }
        },
        another: async () => visitOf(await page.context().newPage()),
        elsewhere: async (options = {}, other = browser) => {
          const context = await other.newContext({ viewport, ...options });
          return visitOf(await context.newPage());
        },
      };
    };
    await use(visitOf(page));
    base.expect(troubles, "what must not happen on a visit").toEqual([]);
  },
});

export { expect } from "@playwright/test";

function watch(page: Page, origin: string, troubles: string[]): void {
  page.on("request", (request) => {
    const { protocol, origin: asked } = new URL(request.url());
    if (protocol.startsWith("http") && asked !== origin) troubles.push(`request to ${request.url()}`);
  });
  page.on("pageerror", (error) => troubles.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (/content.security.policy/i.test(message.text())) troubles.push(message.text());
  });
}

type Path =
  | "overview"
  | "trends"
  | "workflow-health"
  | "failures"
  | "failure-groups"
  | "delivery-health"
  | "stream"
  | "*";

/** From now on the test answers the path. */
export async function instead(page: Page, path: Path, act: (route: Route) => Promise<void>): Promise<void> {
  const begin = `/v1/metrics/${path === "*" ? "" : path}`;
  await page.route((url) => url.pathname.startsWith(begin), act);
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

/** From now on the test changes the path's real answers, and their headers. */
export function changing<Body>(
  page: Page,
  path: Path,
  change: (body: Body) => Body,
  headers: Record<string, string> = {},
): Promise<void> {
  return instead(page, path, async (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname.endsWith("/stream")) return route.fallback();
    // Not by what the browser has kept: a 304 has no body to change.
    const asked = Object.entries(route.request().headers()).filter(([name]) => name !== "if-none-match");
    const response = await route.fetch({ headers: Object.fromEntries(asked) });
    if (!response.ok()) return route.fulfill({ response });
    const body = (await response.json()) as Body;
    await route.fulfill({ response, json: change(body), headers: { ...response.headers(), ...headers } });
  });
}

/** The questions that the page asks from now on, as `/metrics/...` with their parameters. */
export function questions(page: Page): string[] {
  const asked: string[] = [];
  page.on("request", (request) => {
    const { pathname, search } = new URL(request.url());
    if (pathname.startsWith("/v1/")) asked.push(decodeURIComponent(pathname.slice("/v1".length) + search));
  });
  return asked;
}
