// Asks the query API one question: an answer with its age, or a refusal.

import { type Answer, Client } from "business-metrics-client";
import { Refusal } from "./refusal";
import { fetchSettingClock } from "./serverClock";

export type { Answer };

/** A question, to be put to a client. */
export type Question<Body> = (client: Client, signal: AbortSignal) => Promise<Answer<Body>>;

/** A client with this token; `organization` chooses one of several that the token names. It asks where the page comes from. */
export function clientOf(token: string, organization: string | null): Client {
  return new Client({ token, organization, fetch: fetchSettingClock });
}

/**
 * Asks with the token.
 *
 * @throws {Refusal} when there is no answer
 */
export async function ask<Body>(
  question: Question<Body>,
  token: string,
  organization: string | null,
  signal: AbortSignal,
): Promise<Answer<Body>> {
  try {
    return await question(clientOf(token, organization), signal);
  } catch (error) {
    throw signal.aborted ? error : Refusal.of(error);
  }
}
