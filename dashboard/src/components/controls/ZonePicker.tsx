// Chooses the time zone of the times shown and of the beginning of days.

import { ChevronDown, Globe } from "lucide-react";
import { lazy, useCallback, useMemo, useState } from "react";
import { useTexts } from "../../texts/TextsContext";
import { useCommands } from "../../view/commands";
import { inZone } from "../../view/period";
import { usePlace } from "../../view/ViewContext";
import { placeOf } from "../../view/zone";
import { Float } from "../parts/Float";
import { Later } from "../parts/Later";

const load = () => import("./ZonePanel");
const ZonePanel = lazy(async () => ({ default: (await load()).ZonePanel }));

export function ZonePicker() {
  const { view, change } = usePlace();
  const { commands, controls } = useTexts();
  const [open, setOpen] = useState(false);
  const { period, zone } = view;
  const choose = useCallback(
    (next: string) => {
      setOpen(false);
      change({ zone: next, period: inZone(period, zone, next) });
    },
    [period, zone, change],
  );
  useCommands(
    useMemo(
      () => [{ id: "zone.open", label: commands.openZone, keys: "z", icon: Globe, run: () => setOpen(true) }],
      [commands],
    ),
  );
  return (
    <Float
      label={controls.zone}
      className="w-88"
      open={open}
      onOpenChange={setOpen}
      trigger={
        <button
          type="button"
          className="control min-w-0"
          title={zone}
          onPointerEnter={() => void load()}
          onFocus={() => void load()}
        >
          <Globe className="text-muted" />
          <span className="sr-only">{controls.zone}: </span>
          <span className="grow truncate text-left">{placeOf(zone)}</span>
          <ChevronDown className="text-muted" />
        </button>
      }
    >
      <Later waiting={<Waiting />}>
        <ZonePanel onChoose={choose} />
      </Later>
    </Float>
  );
}

/** As large as the panel. */
function Waiting() {
  const { controls } = useTexts();
  return (
    <p role="status" className="h-96 p-4 text-sm text-muted">
      {controls.loading}
    </p>
  );
}
