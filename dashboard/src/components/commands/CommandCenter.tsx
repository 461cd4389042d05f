// The commands of the page itself, the keys of all commands, and, once it is wanted, the dialog. It draws nothing else.

import { lazy, useEffect } from "react";
import { Later } from "../parts/Later";
import { show, useShown } from "./shown";
import { useKeys } from "./useKeys";
import { useViewCommands } from "./useViewCommands";

const CommandDialog = lazy(async () => ({ default: (await import("./CommandDialog")).CommandDialog }));

export function CommandCenter() {
  const shown = useShown();
  useViewCommands(showKeys);
  useKeys(openMenu);
  // Signing out, for instance, takes the menu away together with the page.
  useEffect(() => close, []);
  if (shown === "nothing") return null;
  return (
    <Later waiting={null}>
      <CommandDialog shown={shown} onShowKeys={showKeys} onClose={close} />
    </Later>
  );
}

const openMenu = () => show("commands");
const showKeys = () => show("keys");
const close = () => show("nothing");
