// Asks the query API one question: an answer with its age, or a refusal.

import type { Envelope } from "./answers";
import { Refusal } from "./refusal";

/** The limit for an answer; the API itself gives up after 10 s. */
const ANSWER_LIMIT_MS = 15_000;

export type Parameters = Readonly<Record<string, string | undefined>>;

/** An answer, and its age when it was sent: 0 unless the API could only send its last known answer. */
export interface Answer<Body> {
  body: Body;
  ageSeconds: number;
}

/**
 * Asks `path` with the token.
 *
 * @throws {Refusal} when there is no answer
 */
export async function ask<Body extends Envelope>(
  path: string,
  parameters: Parameters,
  token: string,
  signal: AbortSignal,
): Promise<Answer<Body>> {
  const limit = AbortSignal.timeout(ANSWER_LIMIT_MS);
  let response: Response;
  let body: Body;
  try {
    response = await fetch(address(path, parameters), {
      headers: { accept: "application/json", authorization: `Bearer ${token}` },
      signal: AbortSignal.any([signal, limit]),
    });
    if (!response.ok) throw await Refusal.of(response);
    body = (await response.json()) as Body;
  } catch (error) {
    if (error instanceof Refusal || signal.aborted) throw error;
    throw new Refusal("unreachable");
  }
  return {
    body: { ...body, ...freshnessOf(response) },
    ageSeconds: body.stale === true ? ageOf(response) : 0,
  };
}

/** How fresh the numbers are. The body may be the browser's copy, as old as the numbers are the same; headers are as of now. */
function freshnessOf(response: Response): Partial<Envelope> {
  const through = response.headers.get("complete-through");
  const at = response.headers.get("generated-at");
  return {
    ...(through === null ? {} : { completeThrough: through === "null" ? null : through }),
    ...(at === null ? {} : { generatedAt: at }),
  };
}

/** At least 1: an answer marked stale is not fresh, whatever its `Age` says. */
function ageOf(response: Response): number {
  const seconds = Number(response.headers.get("age") ?? Number.NaN);
  return Number.isFinite(seconds) ? Math.max(1, seconds) : 1;
}

function address(path: string, parameters: Parameters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value);
  return query.size === 0 ? path : `${path}?${query}`;
}
