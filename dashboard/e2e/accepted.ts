// The browser that the accepted pictures are of, and how exactly a picture must be the accepted one.
//
// Within a major version Chromium draws the same page the same way. Another major version may smooth edges and letters
// differently, which is no fault of the page: then pictures are compared coarsely, and everybody is told.

import type { FullConfig } from "@playwright/test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const FILE = new URL("../../docs/img/page/browser.json", import.meta.url);

/** What two pictures may differ by. */
export interface Tolerance {
  /** The difference of two colours that isn't seen, from 0 to 1. */
  threshold: number;
  maxDiffPixels?: number;
  maxDiffPixelRatio?: number;
}

/** A shade of a colour may differ from machine to machine, but no more than a hundred pixels may by more. */
const EXACT: Tolerance = { threshold: 0.1, maxDiffPixels: 100 };
/** What is missing, moved or of another colour is seen in more than one pixel of a hundred; other edges aren't. */
const COARSE: Tolerance = { threshold: 0.2, maxDiffPixelRatio: 0.01 };

export interface Comparison {
  tolerance: Tolerance;
  /** What has to be said of it; null if the browser is the accepted one. */
  note: string | null;
}

/** How pictures of this browser are compared with those of the accepted one. Versions are Chromium's: 140.0.7339.80. */
export function comparisonOf(accepted: string | null, version: string): Comparison {
  if (accepted === null) {
    throw new Error(
      `${FILE.pathname} is missing: it says which browser the pictures are of; npm run accept writes it`,
    );
  }
  if (majorOf(accepted) === majorOf(version)) return { tolerance: EXACT, note: null };
  return {
    tolerance: COARSE,
    note:
      `the pictures are of Chromium ${accepted}, and this is ${version}: compared coarsely, up to 1 % of the pixels may ` +
      "differ. If a picture differs by more, look at what changed. If it is only the browser, run `npm run accept`.",
  };
}

function majorOf(version: string): string {
  const [major = ""] = version.split(".");
  if (!/^\d+$/.test(major)) throw new Error(`"${version}" is no version of Chromium`);
  return major;
}

/** The version of the browser that the accepted pictures are of; null before the first was accepted. */
export function acceptedVersion(): string | null {
  if (!existsSync(FILE)) return null;
  return (JSON.parse(readFileSync(FILE, "utf8")) as { chromium: string }).chromium;
}

/** Remembers which browser the pictures are of, when they are accepted. Of a new major version all have to be. */
export function acceptBrowser(
  { updateSnapshots }: Pick<FullConfig, "updateSnapshots">,
  version: string,
): void {
  if (updateSnapshots !== "all" || acceptedVersion() === version) return;
  writeFileSync(FILE, `${JSON.stringify({ chromium: version }, null, 2)}\n`);
}
