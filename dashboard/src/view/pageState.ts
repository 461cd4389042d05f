// The state of the page as a whole, computed from the states of its questions. Pure.

import type { Refusal } from "../api/refusal";

/** The part of a question's state that matters to the page: its answer's age, and its refusal. */
export interface Condition {
  ageSeconds: number;
  refusal: Refusal | null;
}

export type PageState =
  | { kind: "signedOut"; refusal: Refusal }
  | { kind: "noAccess"; refusal: Refusal }
  | { kind: "malformed"; refusal: Refusal }
  | { kind: "limited"; refusal: Refusal }
  | { kind: "unreachable"; refusal: Refusal }
  | { kind: "unavailable"; refusal: Refusal }
  | { kind: "partial"; refusal: Refusal }
  | { kind: "stale"; ageSeconds: number }
  | { kind: "well" };

/** Refusals that concern the whole page even if only one question met them, the gravest first. */
const GRAVEST_FIRST = [
  ["unauthorized", "signedOut"],
  ["forbidden", "noAccess"],
  ["malformed", "malformed"],
  ["limited", "limited"],
  ["unreachable", "unreachable"],
] as const;

export function pageStateOf(conditions: readonly Condition[]): PageState {
  const refusals = conditions.flatMap(({ refusal }) => (refusal === null ? [] : [refusal]));
  for (const [met, kind] of GRAVEST_FIRST) {
    const refusal = refusals.find((candidate) => candidate.kind === met);
    if (refusal !== undefined) return { kind, refusal };
  }
  const [refusal] = refusals;
  if (refusal !== undefined) {
    return { kind: refusals.length === conditions.length ? "unavailable" : "partial", refusal };
  }
  const ageSeconds = Math.max(0, ...conditions.map((condition) => condition.ageSeconds));
  return ageSeconds > 0 ? { kind: "stale", ageSeconds } : { kind: "well" };
}
