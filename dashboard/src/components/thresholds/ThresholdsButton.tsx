// Opens the thresholds of alerts, of all or of one figure. Nothing where the token may not read them.

import { SlidersHorizontal } from "lucide-react";
import { useState } from "react";
import { useTexts } from "../../texts/TextsContext";
import { useRights } from "../../view/rights";
import { ThresholdsOpened } from "./ThresholdsOpened";

interface ThresholdsButtonProps {
  /** The key of the one figure that is meant; without it, all are. */
  kpi?: string;
  /** Beside numbers that matter more. */
  quiet?: boolean;
}

const QUIET =
  "inline-flex h-6 items-center gap-1 rounded-md px-1.5 text-xs text-muted hover:bg-sunken hover:text-ink pointer-coarse:h-10 print:hidden";

export function ThresholdsButton({ kpi, quiet = false }: ThresholdsButtonProps) {
  const { panels } = useTexts();
  const { read } = useRights();
  const [open, setOpen] = useState(false);
  if (!read) return null;
  return (
    <>
      <button type="button" className={quiet ? QUIET : "control print:hidden"} onClick={() => setOpen(true)}>
        <SlidersHorizontal className="size-3.5 text-muted" />
        {panels.thresholds}
      </button>
      {open && <ThresholdsOpened kpi={kpi} onClose={() => setOpen(false)} />}
    </>
  );
}
