// The server's clock, learned from the `Date` header of its answers: a browser's own clock may be days off.

/** `Date` has no fractions of a second. */
const RESOLUTION_MS = 1_000;

/** How far the server's clock is ahead of the browser's, in ms. */
let ahead = 0;

/** Now, by the server's clock; by the browser's until the first answer. */
export function serverNow(): Date {
  return new Date(Date.now() + ahead);
}

/** An instant of the server's clock, in ms, from one of the browser's. */
export function serverTimeOf(browserTime: number): number {
  return browserTime + ahead;
}

/** Asks as `fetch` does, and sets the clock by the answer. */
export const fetchSettingClock: typeof fetch = async (input, init) => {
  const sent = Date.now();
  const response = await fetch(input, init);
  const date = Date.parse(response.headers.get("date") ?? "");
  if (!Number.isNaN(date)) ahead = aheadOf(date, sent, Date.now(), ahead);
  return response;
};

/**
 * How far the server is ahead, by an answer that it dated `date`, with its sending and receipt by the browser's clock.
 * What was known before stays, as long as the answer doesn't contradict it: no single answer is more exact than this.
 */
export function aheadOf(date: number, sent: number, received: number, before: number): number {
  // The server wrote the date between the two instants; it cut off up to a second.
  const least = date - received;
  const most = date + RESOLUTION_MS - sent;
  return before >= least && before <= most ? before : Math.round((least + most) / 2);
}

/** For tests: forgets what was learned. */
export function resetServerClock(): void {
  ahead = 0;
}
