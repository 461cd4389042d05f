// Switches live mode on or off, and says how its numbers come.

import type { LiveState } from "../../api/follow";
import { useLive } from "../../api/live";
import type { Texts } from "../../texts";
import { useTexts } from "../../texts/TextsContext";

export function LiveSwitch() {
  const { on, state, turn } = useLive();
  const { controls } = useTexts();
  const word = wordOf(on, state);
  return (
    <button type="button" role="switch" aria-checked={on} className="control" onClick={() => turn(!on)}>
      <span className={`size-2 rounded-full ${DOTS[word]}`} />
      {controls.live}
      {/* "Live" says it, and a connection takes a moment: words would make the neighbours jump. */}
      <span className={word === "live" || word === "connecting" ? "sr-only" : "font-normal text-muted"}>
        {controls.liveStates[word]}
      </span>
    </button>
  );
}

type Word = keyof Texts["controls"]["liveStates"];

const DOTS: Readonly<Record<Word, string>> = {
  off: "border border-muted",
  connecting: "bg-warning",
  live: "bg-good",
  waiting: "bg-warning",
  polled: "bg-good",
};

function wordOf(on: boolean, { state }: LiveState): Word {
  if (!on) return "off";
  switch (state) {
    case "off": // the tab is in the background
    case "live":
      return "live";
    case "connecting":
    case "waiting":
      return state;
    case "polling":
    case "unavailable":
      return "polled";
  }
}
