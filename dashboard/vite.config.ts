// How the page is built, served during development, and tested.
//
// `API_URL` names a running query API: `npm run dev` and `npm run preview` forward the API's paths to it, so that the
// page and the API have one origin, as in production.
/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import tailwindcss from "@tailwindcss/vite";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const api = process.env["API_URL"] ?? "http://127.0.0.1:8080";
const proxy = { "/v1": api, "/overview/settings.json": api };

/** The client's sources, which are built into the page. */
const client = fileURLToPath(new URL("../clients/typescript/src/", import.meta.url));
/** What they need, from the page's own folder: the client's isn't installed where the page is built. */
const modules = fileURLToPath(new URL("node_modules/", import.meta.url));

/** The policy that the API sends with the page; a laxer preview would hide violations. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

// Tests run in a zone with summer time, whatever the machine's zone is.
if (process.env["VITEST"] !== undefined) process.env["TZ"] = "Europe/Berlin";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: {
    alias: {
      "business-metrics-client": `${client}index.ts`,
      "eventsource-parser/stream": `${modules}eventsource-parser/dist/stream.js`,
    },
  },
  server: { host: "127.0.0.1", proxy, fs: { allow: [".", client, modules] } },
  preview: {
    host: "127.0.0.1",
    proxy,
    headers: { "Content-Security-Policy": CONTENT_SECURITY_POLICY },
  },
  build: {
    target: "es2023",
    // These have light-dark() of their own. What stands in for it elsewhere gives everything on the page one scheme, so that a
    // picture of the chart, which is light, would be dark on a dark page.
    cssTarget: ["chrome123", "firefox128", "safari17.5"],
    // A data: address would need a laxer Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // For the budget; the page doesn't need it.
    manifest: true,
    // One file for all of the first view: a browser asks a server for six files at a time.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "page", tags: ["$initial"] }] } } },
  },
  test: {
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/testing/setup.ts"],
    pool: "threads",
    restoreMocks: true,
    // Limits for a busy machine; elsewhere the conditions hold at once.
    testTimeout: 30_000,
    expect: { poll: { timeout: 10_000 } },
  },
});
