// The table of channels: messages sent, and how many of them were delivered; the last row is of all.

import type { Channel, DeliveryHealth } from "../../api/answers";
import { useAllTexts } from "../../texts/useAllTexts";
import { barOf, mostSent, OTHER, rateOf, UNKNOWN } from "../../view/rowsDeliveries";
import { usePlace } from "../../view/ViewContext";
import { ShareBar } from "../parts/ShareBar";

interface ChannelTableProps {
  channels: readonly Channel[];
  totals: DeliveryHealth["totals"];
}

export function ChannelTable({ channels, totals }: ChannelTableProps) {
  const { deliveries } = useAllTexts();
  const most = mostSent(channels);
  return (
    <table className="w-full text-right text-sm" aria-label={deliveries.channels}>
      <thead className="text-xs text-muted">
        <tr className="*:pb-1.5 *:pl-3 *:font-medium *:first:pl-0 *:first:text-left">
          <th scope="col">{deliveries.channel}</th>
          <th scope="col">{deliveries.sent}</th>
          <th scope="col">{deliveries.delivered}</th>
          <th scope="col">
            <span aria-hidden="true">{deliveries.rateShort}</span>
            <span className="sr-only">{deliveries.rate}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {channels.map((channel) => (
          <Row
            key={channel.channel}
            name={nameOf(channel.channel, deliveries)}
            channel={channel}
            most={most}
          />
        ))}
      </tbody>
      {channels.length > 1 && (
        <tfoot>
          <Row name={deliveries.all} channel={{ channel: "", ...totals }} most={null} />
        </tfoot>
      )}
    </table>
  );
}

interface RowProps {
  name: string;
  channel: Channel;
  /** What bars are drawn beside; null draws none. */
  most: number | null;
}

function Row({ name, channel, most }: RowProps) {
  const { formats } = usePlace();
  const { deliveries } = useAllTexts();
  const rate = rateOf(channel);
  return (
    <tr
      data-channel={channel.channel || undefined}
      className={`*:border-t *:border-line *:py-2 *:pl-3 *:align-top *:first:pl-0 ${most === null ? "font-semibold" : ""}`}
    >
      <th scope="row" className="w-full max-w-0 text-left font-[inherit]">
        <span className="block wrap-anywhere">{name}</span>
        {most !== null && <Bar channel={channel} most={most} />}
      </th>
      <td data-column="sent">{formats.count(channel.sent)}</td>
      <td data-column="delivered">{formats.count(channel.delivered)}</td>
      <td data-column="rate" className="whitespace-nowrap">
        {rate === null ? (
          <span title={deliveries.noRateWhy}>{deliveries.noRate}</span>
        ) : (
          formats.percent(rate)
        )}
      </td>
    </tr>
  );
}

function Bar({ channel, most }: { channel: Channel; most: number }) {
  const { delivered, rest } = barOf(channel, most);
  return (
    <ShareBar
      segments={[
        { share: delivered, ink: "text-accent" },
        { share: rest, ink: "text-line-strong" },
      ]}
      className="mt-1 block h-1.5 w-full overflow-hidden rounded-full"
    />
  );
}

/** The API's names for what has no name of its own are put into words. */
function nameOf(channel: string, words: { other: string; unknown: string }): string {
  if (channel === OTHER) return words.other;
  return channel === UNKNOWN ? words.unknown : channel;
}
