// Messages by channel.
//
// @vitest-environment happy-dom

import { cleanup, configure, screen, within } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { deliveryHealth, overview } from "../../testing/answers";
import { answer, serve } from "../../testing/api";
import { renderAlone } from "../../testing/around";
import { useOverview } from "../../view/questions";
import { DeliveryPanel } from "./DeliveryPanel";

serve();
configure({ asyncUtilTimeout: 10_000 });
afterEach(cleanup);

const Shown = () => <DeliveryPanel overview={useOverview()} />;
const rows = async () => {
  const table = await screen.findByRole("table", { name: "Channels" });
  return within(table)
    .getAllByRole("row")
    .slice(1)
    .map((row) => [...row.children].map((cell) => cell.textContent));
};

it("lists channels, and all of them", async () => {
  renderAlone(<Shown />);
  expect(await rows()).toEqual([
    ["email", "300", "285", "95.0%"],
    ["sms", "100", "85", "85.0%"],
    ["All channels", "400", "370", "92.5%"],
  ]);
});

it("says how many receipts may still come", async () => {
  renderAlone(<Shown />);
  // The hours from one and from two on have messages that are less than an hour old at 02:42: 14 and 6 lack a receipt.
  expect(await screen.findByText("20 receipts of the last hour may still come.")).toBeTruthy();
});

it("puts into words what has no name, and shows no rate of nothing", async () => {
  const channels = [
    { channel: "other", sent: 4, delivered: 4, deliveryRate: 100 },
    { channel: "unknown", sent: 0, delivered: 2, deliveryRate: 0 },
  ];
  const totals = { sent: 4, delivered: 6, deliveryRate: 100 };
  const channelsFrom = "2026-02-25T01:00:00.000Z";
  answer("overview", overview({ deliveryHealth: deliveryHealth({ channels, totals, channelsFrom }) }));
  renderAlone(<Shown />);
  expect((await rows()).slice(0, 2)).toEqual([
    ["Other channels", "4", "4", "100.0%"],
    ["No channel named", "0", "2", "–"],
  ]);
  expect(screen.getByText(/may have been counted without their channel/)).toBeTruthy();
});

it("says that there are no messages", async () => {
  const nothing = { channels: [], series: [], totals: { sent: 0, delivered: 0, deliveryRate: 0 } };
  answer("overview", overview({ deliveryHealth: deliveryHealth(nothing) }));
  renderAlone(<Shown />);
  expect(await screen.findByText("No messages in this period")).toBeTruthy();
  expect(screen.queryByRole("table")).toBeNull();
});
