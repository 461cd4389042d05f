// Fills a panel whose question was refused: says why, and offers to ask again.

import type { Refusal, RefusalKind } from "../../api/refusal";
import { Blank } from "../parts/Blank";

const WORDS: Readonly<Record<RefusalKind, string>> = {
  unreachable: "The API can’t be reached.",
  unauthorized: "The token isn’t valid any more.",
  forbidden: "The token doesn’t open this.",
  malformed: "The API doesn’t understand the period.",
  absent: "This API doesn’t offer it.",
  limited: "Too many requests were made.",
  unavailable: "The metrics can’t be read at the moment.",
};

export function PanelTrouble({ refusal, onRetry }: { refusal: Refusal; onRetry: () => void }) {
  const retry = (
    <button type="button" className="control" onClick={onRetry}>
      Try again
    </button>
  );
  return (
    <Blank icon="unplugged" title="Couldn’t be loaded" action={refusal.passes ? retry : undefined}>
      {WORDS[refusal.kind]}
    </Blank>
  );
}
