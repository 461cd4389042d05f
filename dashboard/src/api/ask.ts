// Asks the query API one question: an answer with its age, or a refusal.

import { type Answer, Client } from "business-metrics-client";
import { Refusal } from "./refusal";

export type { Answer };

/** A question, to be put to a client. */
export type Question<Body> = (client: Client, signal: AbortSignal) => Promise<Answer<Body>>;

/**
 * Asks with the token. Without an address the client asks where the page comes from.
 *
 * @throws {Refusal} when there is no answer
 */
export async function ask<Body>(
  question: Question<Body>,
  token: string,
  signal: AbortSignal,
): Promise<Answer<Body>> {
  try {
    return await question(new Client({ token }), signal);
  } catch (error) {
    throw signal.aborted ? error : Refusal.of(error);
  }
}
