// Switches live mode on or off, and shows the state of its connection.

import type { LiveState } from "../../api/follow";
import { useLive } from "../../api/live";

export function LiveSwitch() {
  const { on, state, turn } = useLive();
  return (
    <button type="button" role="switch" aria-checked={on} className="control" onClick={() => turn(!on)}>
      <span className="relative flex size-2">
        {state.state === "live" && (
          <span className="absolute inset-0 animate-ping rounded-full bg-good opacity-60" />
        )}
        <span className={`relative size-2 rounded-full ${dotOf(on, state)}`} />
      </span>
      Live
      <StateWords on={on} state={state} />
    </button>
  );
}

function StateWords({ on, state }: { on: boolean; state: LiveState }) {
  const words = (text: string) => <span className="font-normal text-muted">{text}</span>;
  if (!on) return words("off");
  switch (state.state) {
    case "off":
    case "live":
      return null;
    case "connecting":
      // This state is short: a word for it would make its neighbours jump twice, so only the dot shows it.
      return <span className="sr-only">connecting</span>;
    case "waiting":
      return words("reconnecting");
    case "unavailable":
      return words("by polling");
  }
}

function dotOf(on: boolean, { state }: LiveState): string {
  if (!on) return "border border-muted";
  return state === "live" || state === "unavailable" ? "bg-good" : "bg-warning";
}
