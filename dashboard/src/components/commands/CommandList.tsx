// All commands, by group, or those that a text finds. Time zones are found, too.

import { Command as Menu } from "cmdk";
import { MapPin, Search } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { serverNow } from "../../api/serverClock";
import { useLanguage } from "../../texts/TextsContext";
import { useAllTexts } from "../../texts/useAllTexts";
import { type Command, useRegisteredCommands } from "../../view/commands";
import { shortcutsOf } from "../../view/keyNames";
import { intervalOf } from "../../view/period";
import { localeOf } from "../../view/system";
import { usePlace } from "../../view/ViewContext";
import type { ZoneSearch } from "../../view/zoneSearch";
import { Keys } from "../parts/Keys";
import { TOUCH, useMedia } from "../parts/useMedia";
import { grouped, groupOf, matching } from "./find";
import { goTo, panelsThere } from "./panels";
import { useChooseZone } from "./useViewCommands";

/** With fewer letters a text finds too many zones. */
const ZONE_LETTERS_MIN = 3;
const ZONES_MAX = 4;

export function CommandList({ onRun }: { onRun: (command: Command) => void }) {
  const { commands: titles, commandList: words } = useAllTexts();
  const [text, setText] = useState("");
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const touch = useMedia(TOUCH);
  const registered = useRegisteredCommands();
  const [panels] = useState(panelCommands);
  const zones = useZonesFor(text);
  const all = useMemo(() => {
    // The list of keys says nothing to a finger.
    const offered = touch ? registered.filter(({ id }) => id !== "keys") : registered;
    return [...offered, ...panels];
  }, [touch, registered, panels]);
  const asked = text.trim() !== "";
  const found = useMemo(
    () => (asked ? [...matching(text, all, words.groups), ...zones] : []),
    [asked, text, all, words, zones],
  );
  return (
    <Menu shouldFilter={false} vimBindings={false} label={words.find} className="flex flex-col" loop>
      <div className="flex items-center gap-2.5 border-b border-line px-4">
        <Search className="text-muted" />
        <Menu.Input
          ref={input}
          value={text}
          onValueChange={setText}
          placeholder={words.findBy}
          className="h-12 w-full bg-transparent text-base outline-none placeholder:text-muted"
        />
      </div>
      <Menu.List
        label={titles.title}
        className="h-[min(26rem,calc(80vh-3rem))] scroll-py-2 overflow-y-auto overscroll-contain p-2"
      >
        {asked
          ? found.map((command) => (
              <Item key={command.id} command={command} group={words.groups[groupOf(command)]} onRun={onRun} />
            ))
          : grouped(all).map(([group, commands]) => (
              <Menu.Group
                key={group}
                heading={words.groups[group]}
                className="pb-2 [&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:py-1.5 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:font-medium [&_[cmdk-group-heading]]:text-muted"
              >
                {commands.map((command) => (
                  <Item key={command.id} command={command} onRun={onRun} />
                ))}
              </Menu.Group>
            ))}
        {asked && found.length === 0 && <p className="px-2.5 py-2 text-sm text-muted">{words.none}</p>}
      </Menu.List>
      <p role="status" className="sr-only">
        {asked ? words.found(found.length) : ""}
      </p>
    </Menu>
  );
}

interface ItemProps {
  command: Command;
  /** Said where no heading says it. */
  group?: string;
  onRun: (command: Command) => void;
}

function Item({ command, group, onRun }: ItemProps) {
  const { id, label, keys, icon: Icon } = command;
  return (
    <Menu.Item
      value={id}
      aria-keyshortcuts={shortcutsOf(keys)}
      onSelect={() => onRun(command)}
      className="flex cursor-pointer items-center gap-3 rounded-lg px-2.5 py-1.5 text-sm data-[selected=true]:bg-accent/15 pointer-coarse:min-h-11"
    >
      {Icon === undefined ? <span className="size-4" /> : <Icon className="text-muted" />}
      <span className="min-w-0 grow truncate">{label}</span>
      {group !== undefined && <span className="text-xs whitespace-nowrap text-muted">{group}</span>}
      {keys !== undefined && <Keys keys={keys} />}
    </Menu.Item>
  );
}

function panelCommands(): readonly Command[] {
  return panelsThere().map((panel, index) => ({
    id: `panel.${index + 1}`,
    label: panel.name,
    run: () => goTo(panel),
  }));
}

/** The zones that a text finds; the search is loaded with the first text that is long enough. */
function useZonesFor(text: string): readonly Command[] {
  const { view } = usePlace();
  const { language } = useLanguage();
  const choose = useChooseZone();
  const [search, setSearch] = useState<ZoneSearch | null>(null);
  const long = text.trim().length >= ZONE_LETTERS_MIN;
  useEffect(() => {
    if (!long) return;
    let wanted = true;
    // If it can't be loaded, the other commands are there all the same.
    import("../../view/zoneSearch").then(
      ({ zoneSearch }) => wanted && setSearch(zoneSearch(localeOf(language).used)),
      () => {},
    );
    return () => {
      wanted = false;
    };
  }, [long, language]);
  const { period, zone } = view;
  return useMemo(() => {
    if (search === null || !long) return [];
    const over = intervalOf(period, zone, serverNow());
    return search
      .find(text, over)
      .slice(0, ZONES_MAX)
      .map((found) => ({
        id: `zone.found.${found.zone}`,
        label: [found.place, found.country, found.offset].filter((part) => part !== "").join(", "),
        icon: MapPin,
        run: () => choose(found.zone),
      }));
  }, [search, long, period, zone, text, choose]);
}
