// Following the version: what is reported, and when following ends.
//
// @vitest-environment happy-dom

import { expect, it } from "vitest";
import { asked, refuse, serve, stream } from "../testing/api";
import { clientOf } from "./ask";
import { follow, type LiveState, pause } from "./follow";

serve();

const version = (number: number) => `event: version\nid: ${number}\ndata: {"version": ${number}}\n\n`;

/** Follows until the pause before the next connection, or until following ends by itself. */
async function followed(): Promise<{ versions: string[]; states: LiveState["state"][] }> {
  const end = new AbortController();
  const [versions, states]: [string[], LiveState["state"][]] = [[], []];
  const stateChanged = ({ state }: LiveState) => {
    states.push(state);
    if (state === "waiting") end.abort();
  };
  const follower = { told: (version: string) => void versions.push(version), stateChanged };
  await follow(() => clientOf("secret", null), follower, end.signal);
  return { versions, states };
}

it("tells each version, then waits to reconnect", async () => {
  stream(version(7) + ": still here\n\n" + version(7) + version(8));
  const { versions, states } = await followed();
  expect(versions).toEqual(["7", "7", "8"]);
  expect(states).toEqual(["connecting", "live", "live", "live", "waiting"]);
});

it.each([401, 403, 404])("ends at once at %d", async (status) => {
  refuse("stream", status);
  expect(await followed()).toEqual({ versions: [], states: ["connecting", "unavailable"] });
  expect(asked).toHaveLength(1);
});

it.each([429, 503])("comes back after %d", async (status) => {
  refuse("stream", status);
  expect((await followed()).states).toEqual(["connecting", "waiting"]);
});

it("pauses twice as long each time, up to half a minute, up to half of it by chance", () => {
  expect([1, 2, 3, 4, 5, 6, 60].map((failures) => pause(failures, 0))).toEqual([
    1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
  ]);
  expect(pause(1, 1)).toBe(500);
});
