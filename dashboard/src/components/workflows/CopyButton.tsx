// Copies a text to the clipboard, and says whether that succeeded.

import { useState } from "react";
import { Icon } from "../parts/icons";

type Outcome = "idle" | "copied" | "refused";
const WORDS: Readonly<Record<Outcome, string>> = {
  idle: "Copy",
  copied: "Copied",
  refused: "Can’t copy here",
};

export function CopyButton({ text, name }: { text: string; name: string }) {
  const [outcome, setOutcome] = useState<Outcome>("idle");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome("copied");
    } catch {
      setOutcome("refused");
    }
  };
  return (
    <button
      type="button"
      onClick={() => void copy()}
      onBlur={() => setOutcome("idle")}
      className="inline-flex shrink-0 items-center gap-1 rounded-md px-1.5 py-0.5 font-medium text-accent hover:bg-surface print:hidden"
    >
      <Icon name={outcome === "copied" ? "check" : "copy"} className="size-3.5" />
      <span aria-live="polite">{WORDS[outcome]}</span>
      <span className="sr-only">{name}</span>
    </button>
  );
}
