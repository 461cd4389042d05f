// Above a panel's numbers: which range they are of, where that isn't the page's.

import { Info } from "lucide-react";

/** Nothing without words. */
export function OwnRange({ words }: { words: string | null }) {
  if (words === null) return null;
  return (
    <p role="note" data-own-range className="flex items-baseline gap-1.5 pb-2 text-sm font-medium">
      <Info className="size-3.5 shrink-0 translate-y-0.5 text-muted" />
      {words}
    </p>
  );
}
