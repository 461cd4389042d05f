// The state of the page as a whole, by the question that it rests on. Pure.

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
  | { kind: "stale"; ageSeconds: number }
  | { kind: "well" };

export function pageStateOf({ ageSeconds, refusal }: Condition): PageState {
  switch (refusal?.kind) {
    case undefined:
      return ageSeconds > 0 ? { kind: "stale", ageSeconds } : { kind: "well" };
    case "unauthorized":
      return { kind: "signedOut", refusal };
    case "forbidden":
      return { kind: "noAccess", refusal };
    case "malformed":
    case "limited":
    case "unreachable":
    case "unavailable":
      return { kind: refusal.kind, refusal };
    case "absent":
      return { kind: "unavailable", refusal };
  }
}
