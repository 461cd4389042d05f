// Fills a panel whose question was refused: says why, and offers to ask again.

import { Unplug } from "lucide-react";
import type { Refusal } from "../../api/refusal";
import { useTexts } from "../../texts/TextsContext";
import { Blank } from "../parts/Blank";

export function PanelTrouble({ refusal, onRetry }: { refusal: Refusal; onRetry: () => void }) {
  const { common, page } = useTexts();
  const retry = (
    <button type="button" className="control" onClick={onRetry}>
      {common.tryAgain}
    </button>
  );
  return (
    <Blank icon={Unplug} title={page.trouble.panel} action={refusal.passes ? retry : undefined}>
      {page.trouble.panelWhy[refusal.kind]}
    </Blank>
  );
}
