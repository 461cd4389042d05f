// What a load of the page begins with: the address is read and cleaned once, before anything else reads it.

import { answerIn, type Grant, keptGrant, type Pending, takePending, withoutAnswer } from "./signIn";
import { storedToken, takeTokenFromAddress } from "./token";

export interface Arrival {
  /** The token that this tab has kept. */
  token: string | null;
  /** What came with it, if it is a provider's. */
  grant: Grant | null;
  /** The token in the address. */
  offered: string | null;
  /** A provider's answer in the address, and the sign-in that it should belong to. */
  returned: { answer: URLSearchParams; pending: Pending | null } | null;
}

/** An arrival with nothing but a token. */
export function arrivalWith(token: string | null): Arrival {
  return { token, grant: null, offered: null, returned: null };
}

/** Reads the address and what this tab has kept. Tokens and codes leave the address and its history entry. */
export function arrive(): Arrival {
  const offered = takeTokenFromAddress();
  return { token: storedToken(), grant: keptGrant(), offered, returned: takeAnswer() };
}

function takeAnswer(): Arrival["returned"] {
  const answer = answerIn(location.search);
  if (answer === null) return null;
  const pending = takePending();
  const view = pending?.view ?? location.pathname + withoutAnswer(location.search);
  history.replaceState(null, "", view);
  return { answer, pending };
}
