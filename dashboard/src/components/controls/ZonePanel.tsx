// What the time zone's button opens: a search by city, country, abbreviation or offset, and what it finds.

import { Command } from "cmdk";
import { Check, Search } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { serverNow } from "../../api/serverClock";
import { useLanguage } from "../../texts/TextsContext";
import { useAllTexts } from "../../texts/useAllTexts";
import { intervalOf } from "../../view/period";
import { localeOf, systemZone } from "../../view/system";
import { usePlace } from "../../view/ViewContext";
import { UTC } from "../../view/zone";
import { type ZoneFound, zoneSearch } from "../../view/zoneSearch";

export function ZonePanel({ onChoose }: { onChoose: (zone: string) => void }) {
  const { view } = usePlace();
  const { picking } = useAllTexts();
  const { language } = useLanguage();
  const [text, setText] = useState("");
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const { period, zone } = view;
  const over = useMemo(() => intervalOf(period, zone, serverNow()), [period, zone]);
  const own = useMemo(() => systemZone().used, []);
  const search = useMemo(() => zoneSearch(localeOf(language).used), [language]);
  const asked = text.trim() !== "";
  const found = useMemo(
    () => (asked ? search.find(text, over) : search.likely([UTC, own, zone], over)),
    [asked, search, text, over, own, zone],
  );
  return (
    // What is chosen is what Enter takes, until something is typed.
    <Command defaultValue={zone} shouldFilter={false} label={picking.findZone} className="flex flex-col" loop>
      <div className="flex items-center gap-2 border-b border-line px-3">
        <Search className="text-muted" />
        <Command.Input
          ref={input}
          value={text}
          onValueChange={setText}
          placeholder={picking.findZoneBy}
          className="h-11 w-full bg-transparent text-sm outline-none placeholder:text-muted"
        />
      </div>
      <Command.List
        label={picking.zones}
        className="h-[min(21rem,calc(var(--radix-popover-content-available-height)-2.75rem))] scroll-py-1.5 overflow-y-auto overscroll-contain p-1.5"
      >
        {found.map((each) => (
          <Zone
            key={each.zone}
            found={each}
            remark={each.zone === own && !asked ? picking.systemZone : null}
            chosen={each.zone === zone}
            onChoose={onChoose}
          />
        ))}
        {found.length === 0 && <p className="px-2.5 py-2 text-sm text-muted">{picking.noZone}</p>}
      </Command.List>
      <p role="status" className="sr-only">
        {asked ? picking.zonesFound(found.length) : ""}
      </p>
    </Command>
  );
}

interface ZoneProps {
  found: ZoneFound;
  remark: string | null;
  chosen: boolean;
  onChoose: (zone: string) => void;
}

function Zone({ found, remark, chosen, onChoose }: ZoneProps) {
  const { picking } = useAllTexts();
  const { zone, place, country, name, offset } = found;
  return (
    <Command.Item
      value={zone}
      onSelect={() => onChoose(zone)}
      className="flex cursor-pointer items-center gap-3 rounded-lg px-2.5 py-1.5 text-sm data-[selected=true]:bg-accent/15 pointer-coarse:py-2.5"
    >
      <span className="min-w-0 grow">
        <span className="block truncate">
          <span className="font-medium">{place}</span>
          {country !== "" && <span className="text-muted">, {country}</span>}
          {chosen && <Check className="ml-1.5 inline align-[-0.15em] text-accent" />}
        </span>
        <span className="block truncate text-xs text-muted" title={zone}>
          {remark === null ? name : `${name} · ${remark}`}
        </span>
      </span>
      <span className="text-xs whitespace-nowrap text-muted">{offset}</span>
      {chosen && <span className="sr-only">{picking.chosen}</span>}
    </Command.Item>
  );
}
