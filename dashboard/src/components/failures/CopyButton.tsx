// Copies a text to the clipboard, and says whether that succeeded.

import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { useAllTexts } from "../../texts/useAllTexts";

type Outcome = "copy" | "copied" | "cantCopy";

/** `name` says what is copied. */
export function CopyButton({ text, name }: { text: string; name: string }) {
  const [outcome, setOutcome] = useState<Outcome>("copy");
  const { failures } = useAllTexts();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome("copied");
    } catch {
      setOutcome("cantCopy");
    }
  };
  const Icon = outcome === "copied" ? Check : Copy;
  return (
    <button
      type="button"
      onClick={() => void copy()}
      onBlur={() => setOutcome("copy")}
      className="inline-flex shrink-0 items-center gap-1 rounded-md px-1.5 py-0.5 text-xs font-medium text-accent hover:bg-surface pointer-coarse:min-h-10 print:hidden"
    >
      <Icon className="size-3.5" />
      <span aria-live="polite">{failures[outcome]}</span>
      <span className="sr-only">{name}</span>
    </button>
  );
}
