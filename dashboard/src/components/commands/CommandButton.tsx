// The button that opens the command menu: the only way to it where there is no keyboard.

import { Search } from "lucide-react";
import { useTexts } from "../../texts/TextsContext";
import { TOUCH, useMedia } from "../parts/useMedia";
import { menuKeys } from "./menuKeys";
import { show } from "./shown";

const load = () => void import("./CommandDialog");

export function CommandButton() {
  const { commands } = useTexts();
  const touch = useMedia(TOUCH);
  return (
    <button
      type="button"
      className="control px-2 pointer-coarse:size-11 pointer-coarse:justify-center print:hidden"
      title={touch ? commands.title : `${commands.title} (${menuKeys(commands.ctrl).join(" ")})`}
      aria-keyshortcuts="Control+K Meta+K"
      onClick={() => show("commands")}
      onPointerEnter={load}
      onFocus={load}
    >
      <Search className="text-muted" />
      <span className="sr-only">{commands.title}</span>
    </button>
  );
}
