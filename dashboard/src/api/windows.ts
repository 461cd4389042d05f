// What the browser's windows share: locks and channels, as far as this browser has them.

import type { Windows } from "./sharing";
import { THIS_WINDOW } from "./thisWindow";

/** Null without what windows need to share: old browsers, and pages without TLS, except on the same machine. */
export function windowsOfBrowser(): Windows | null {
  // Types promise all of it.
  const { locks }: { locks?: LockManager | null } = navigator;
  const isSecure = globalThis.crypto?.subtle !== undefined;
  if (locks == null || typeof BroadcastChannel === "undefined" || !isSecure) return null;
  return { locks, channel: (name) => new BroadcastChannel(name), ...THIS_WINDOW };
}

/** Names the lock and the channel of an identity. That may be a token, so nothing but a hash of it is told. */
export async function nameOf(identity: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(identity));
  const hex = [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0"));
  return `live ${hex.join("")}`;
}
