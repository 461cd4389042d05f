// Messages by channel: what the panel of deliveries shows. Pure.

import type { Channel, DeliveryHealth } from "../api/answers";

/** How long receipts may be on their way: the API judges no message before. */
const RECEIPTS_DUE_MS = 60 * 60 * 1_000;

/** The API's names for what has no name of its own. */
export const OTHER = "other";
export const UNKNOWN = "unknown";

export interface Due {
  /** Whether receipts of messages in the range may still come. */
  may: boolean;
  /** How many messages of the last hour have none yet; null if the buckets don't show it. */
  missing: number | null;
}

/** What receipts are still due, by the server's clock: those of messages that were sent in the last hour. */
export function dueOf(health: Pick<DeliveryHealth, "range" | "series">, now: Date): Due {
  const since = now.getTime() - RECEIPTS_DUE_MS;
  if (Date.parse(health.range.to) <= since) return { may: false, missing: null };
  const ends = health.series.map((_, index) =>
    Date.parse(health.series[index + 1]?.bucket ?? health.range.to),
  );
  const late = health.series.filter((_, index) => (ends[index] ?? 0) > since);
  const missing = late.reduce(
    (sum, bucket) => sum + Math.max(0, bucket.messages_sent - bucket.messages_delivered),
    0,
  );
  if (missing === 0) return { may: false, missing: 0 };
  // A bucket of a day has the messages of its other hours, too.
  return { may: true, missing: health.range.granularity === "hour" ? missing : null };
}

/** A channel without a message that was sent has no rate: 0 would say that nothing arrives. */
export function rateOf({ sent, deliveryRate }: Pick<Channel, "sent" | "deliveryRate">): number | null {
  return sent > 0 ? deliveryRate : null;
}

/** A channel's two bars, as shares of the messages of the largest channel: what was delivered, and what else was sent. */
export function barOf(channel: Channel, most: number): { delivered: number; rest: number } {
  const { sent } = channel;
  // Receipts may name another channel than the message did, so there may be more of them.
  const delivered = Math.min(channel.delivered, sent);
  return { delivered: most > 0 ? delivered / most : 0, rest: most > 0 ? (sent - delivered) / most : 0 };
}

export function mostSent(channels: readonly Channel[]): number {
  return Math.max(0, ...channels.map(({ sent }) => sent));
}
