// Puts a text on the clipboard, and says whether it is there.

import { useState } from "react";
import { Icon } from "./icons";

type Standing = "idle" | "copied" | "refused";
const WORDS: Readonly<Record<Standing, string>> = {
  idle: "Copy",
  copied: "Copied",
  refused: "Can’t copy here",
};

export function CopyButton({ text, name }: { text: string; name: string }) {
  const [standing, setStanding] = useState<Standing>("idle");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setStanding("copied");
    } catch {
      setStanding("refused");
    }
  };
  return (
    <button
      type="button"
      onClick={() => void copy()}
      onBlur={() => setStanding("idle")}
      className="inline-flex shrink-0 items-center gap-1 rounded-md px-1.5 py-0.5 font-medium text-accent hover:bg-surface print:hidden"
    >
      <Icon name={standing === "copied" ? "check" : "copy"} className="size-3.5" />
      <span aria-live="polite">{WORDS[standing]}</span>
      <span className="sr-only">{name}</span>
    </button>
  );
}
