// The panel of messages: sent and delivered in total and by channel, and whether receipts may still come.

import { CircleDashed } from "lucide-react";
import { useMemo } from "react";
import type { DeliveryHealth, Overview } from "../../api/answers";
import { serverNow } from "../../api/serverClock";
import { useAllTexts } from "../../texts/useAllTexts";
import type { Asked } from "../../view/questions";
import { useCsvCommand } from "../../view/rowsCsv";
import { dueOf, OTHER, UNKNOWN } from "../../view/rowsDeliveries";
import { usePlace } from "../../view/ViewContext";
import { Panel } from "../panel/Panel";
import { Blank } from "../parts/Blank";
import { Remark } from "../parts/Remark";
import { OfAllWorkflows } from "../workflows/OfWorkflow";
import { ChannelTable } from "./ChannelTable";

export function DeliveryPanel({ overview }: { overview: Asked<Overview> }) {
  const { deliveries, panels, rows } = useAllTexts();
  const csv = useCsvCommand(
    {
      id: "deliveries.csv",
      keys: "D",
      label: rows.csv.save,
      file: "messages-by-channel",
      path: "/metrics/delivery-health",
      query: { list: "channels" },
      names: { [OTHER]: deliveries.other, [UNKNOWN]: deliveries.unknown },
    },
    overview.data?.body.deliveryHealth ?? null,
  );
  const menu = useMemo(() => [csv.command], [csv.command]);
  return (
    <Panel
      name="deliveries"
      title={panels.deliveries}
      asked={overview}
      remark={<OfAllWorkflows />}
      menu={menu}
      skeleton={<Skeleton />}
    >
      {({ deliveryHealth }) => (
        <>
          <Remark words={csv.remark} />
          {deliveryHealth.channels.length === 0 ? (
            <Blank icon={CircleDashed} title={deliveries.none}>
              {deliveries.noneWhy}
            </Blank>
          ) : (
            <>
              <ChannelTable channels={deliveryHealth.channels} totals={deliveryHealth.totals} />
              <Notes health={deliveryHealth} />
            </>
          )}
        </>
      )}
    </Panel>
  );
}

/** What has to be said of these numbers. */
function Notes({ health }: { health: DeliveryHealth }) {
  const { formats } = usePlace();
  const { deliveries } = useAllTexts();
  const due = dueOf(health, serverNow());
  const { channelsFrom } = health;
  if (!due.may && channelsFrom === undefined) return null;
  return (
    <div className="flex flex-col gap-1 pt-3 text-xs text-muted">
      {due.may && (
        <p data-due={due.missing ?? ""}>
          {due.missing === null
            ? deliveries.dueSome
            : deliveries.due(due.missing, formats.count(due.missing))}
        </p>
      )}
      {channelsFrom !== undefined && <p>{deliveries.channelsFrom(formats.moment(channelsFrom))}</p>}
    </div>
  );
}

function Skeleton() {
  return (
    <div className="flex flex-col gap-2.5 pt-1">
      {Array.from({ length: 5 }, (_, index) => (
        <div key={index} className="skeleton h-8" />
      ))}
    </div>
  );
}
