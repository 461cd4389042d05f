// Chooses the time zone of the times shown and of the beginning of days.

import { type SubmitEvent, useMemo, useState } from "react";
import { usePlace } from "../../view/ViewContext";
import { allZones, localZone, offsetName, UTC } from "../../view/zone";
import { Float } from "../parts/Float";
import { Icon } from "../parts/icons";

/** A longer list would have to be scrolled, and typing is faster. */
const SHOWN_MAX = 8;

export function ZonePicker() {
  const { view, change } = usePlace();
  const [open, setOpen] = useState(false);
  const choose = (zone: string) => {
    change({ zone });
    setOpen(false);
  };
  return (
    <Float
      label="Time zone"
      className="w-72 p-2"
      open={open}
      onOpenChange={setOpen}
      trigger={
        <button type="button" className="control">
          <Icon name="globe" className="text-muted" />
          <span className="sr-only">Time zone: </span>
          {placeOf(view.zone)}
          <Icon name="chevron" className="size-3.5 text-muted" />
        </button>
      }
    >
      <ZoneSearch chosen={view.zone} onChoose={choose} />
    </Float>
  );
}

function ZoneSearch({ chosen, onChoose }: { chosen: string; onChoose: (zone: string) => void }) {
  const [text, setText] = useState("");
  const zones = useMemo(allZones, []);
  const found = matches(zones, text, chosen);
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const [first] = found;
    if (first !== undefined) onChoose(first);
  };
  return (
    <form onSubmit={submit}>
      <input
        type="search"
        className="field"
        placeholder="Find a city or region"
        aria-label="Find a time zone"
        autoComplete="off"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <ul className="mt-2" aria-label="Time zones">
        {found.map((zone) => (
          <li key={zone}>
            <button
              type="button"
              aria-pressed={zone === chosen}
              onClick={() => onChoose(zone)}
              className="flex w-full items-center gap-2 rounded-md px-2.5 py-1.5 text-left text-sm hover:bg-sunken aria-pressed:font-medium pointer-coarse:py-2.5"
            >
              <span className="grow truncate">{placeOf(zone)}</span>
              <span className="text-xs whitespace-nowrap text-muted">{offsetName(zone, new Date())}</span>
              <Icon name="check" className={zone === chosen ? "text-accent" : "invisible"} />
            </button>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="px-2.5 py-1.5 text-sm text-muted">No zone has that name.</p>}
    </form>
  );
}

/** The zones whose name contains the text; without a text, the most likely ones. */
function matches(zones: readonly string[], text: string, chosen: string): string[] {
  const wanted = text.trim().toLowerCase().replaceAll(" ", "_");
  const matching =
    wanted === ""
      ? [chosen, localZone(), UTC, ...zones]
      : zones.filter((zone) => zone.toLowerCase().includes(wanted));
  return [...new Set(matching)].slice(0, wanted === "" ? 3 : SHOWN_MAX);
}

/** A zone's name without underscores: Europe/Isle of Man. */
function placeOf(zone: string): string {
  return zone.replaceAll("_", " ");
}
