// Temporal, the calendar arithmetic of JavaScript: the browser's own, or a polyfill where there is none yet.

import type { Temporal as Namespace } from "temporal-polyfill";

export type Temporal = typeof Namespace;
export type PlainDate = Namespace.PlainDate;
export type ZonedDateTime = Namespace.ZonedDateTime;

let used = (globalThis as { Temporal?: Temporal }).Temporal;

/** Loads the polyfill if the browser needs it. Await this before anything is rendered. */
export async function loadTemporal(): Promise<void> {
  used ??= (await import("temporal-polyfill")).Temporal;
}

export function temporal(): Temporal {
  if (used === undefined) throw new Error("loadTemporal() hasn't finished");
  return used;
}
