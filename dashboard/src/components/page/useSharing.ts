// Taking the numbers elsewhere: a link that shows everyone the same, a file, paper. Registers the commands.

import { Link, Printer } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import type { Overview } from "../../api/answers";
import { useTexts } from "../../texts/TextsContext";
import { type Command, useCommands } from "../../view/commands";
import { linkTo } from "../../view/link";
import { useCsvCommand } from "../../view/rowsCsv";
import { usePlace } from "../../view/ViewContext";

/** How long the page says that it has copied, and when the link's numbers change. */
const SAID_MS = 10_000;

export interface Sharing {
  /** Null while there are no numbers to share. */
  copyLink: (() => void) | null;
  copied: boolean;
  /** When the last bucket of the link's range ends, if it is still open: until then the numbers change. */
  openUntil: string | null;
  /** The link that the browser didn't let the page copy, for a person to copy. */
  refused: string | null;
  dismiss: () => void;
  others: readonly Command[];
  /** What there is to say about the last file; null if all went well. */
  remark: string | null;
}

/** `overview` is undefined before the first answer. */
export function useSharing(overview: Overview | undefined): Sharing {
  const { view } = usePlace();
  const { page } = useTexts();
  const [copied, setCopied] = useState(false);
  const [refused, setRefused] = useState<string | null>(null);
  const summary = overview?.summary;
  const isOpen = overview?.trends.series.some(({ open }) => open) ?? false;
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SAID_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copyLink = useMemo(() => {
    if (summary === undefined) return null;
    return () => {
      const link = linkTo(location.href, view, summary.range, summary.organizationId);
      void copy(link).then((done) => (done ? setCopied(true) : setRefused(link)));
    };
  }, [summary, view]);
  const { command: csv, remark } = useCsvCommand(
    {
      ...{ id: "page.csv", keys: "K", label: page.saveKpis, file: "key-figures" },
      ...{ path: "/metrics/summary", query: { list: "kpis", compare: view.compare } },
    },
    summary ?? null,
  );
  const others = useMemo<readonly Command[]>(
    () => [csv, { id: "page.print", label: page.print, icon: Printer, run: () => print() }],
    [csv, page],
  );
  const all = useMemo<readonly Command[]>(() => {
    if (copyLink === null) return others;
    return [{ id: "page.copy-link", label: page.copyLink, keys: "c", icon: Link, run: copyLink }, ...others];
  }, [copyLink, others, page]);
  useCommands(all);
  const openUntil = isOpen && summary !== undefined ? summary.range.to : null;
  return { copyLink, copied, openUntil, refused, dismiss: () => setRefused(null), others, remark };
}

/** Whether the browser let the page copy: it needs a secure context. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
