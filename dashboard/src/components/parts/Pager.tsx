// Turns the pages of a list: which rows are shown, and the buttons to those before and after.

import { ChevronLeft, ChevronRight, type LucideIcon } from "lucide-react";
import { useTexts } from "../../texts/TextsContext";

interface PagerProps {
  /** Whose pages: the list's name. */
  label: string;
  /** What is shown, such as "11–20 of 37". */
  shown: string;
  /** Null if there is no such page. */
  onPrevious: (() => void) | null;
  onNext: (() => void) | null;
}

export function Pager({ label, shown, onPrevious, onNext }: PagerProps) {
  const { rows } = useTexts();
  if (onPrevious === null && onNext === null) return null;
  return (
    <nav aria-label={rows.pagesOf(label)} className="mt-2 flex items-center justify-end gap-2 print:hidden">
      <span className="mr-1 text-xs text-muted" aria-live="polite">
        {shown}
      </span>
      <Turn icon={ChevronLeft} words={rows.previous} onTurn={onPrevious} />
      <Turn icon={ChevronRight} words={rows.next} onTurn={onNext} />
    </nav>
  );
}

interface TurnProps {
  icon: LucideIcon;
  words: string;
  onTurn: (() => void) | null;
}

function Turn({ icon: Icon, words, onTurn }: TurnProps) {
  return (
    // Not disabled: a button that is loses the focus, and the reader with it.
    <button
      type="button"
      className="control px-2 aria-disabled:border-dashed aria-disabled:text-muted aria-disabled:shadow-none"
      aria-disabled={onTurn === null}
      onClick={() => onTurn?.()}
    >
      <Icon />
      <span className="sr-only">{words}</span>
    </button>
  );
}
