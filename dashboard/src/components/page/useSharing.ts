// Taking the numbers elsewhere: a link that shows everyone the same, a file, paper. Registers the commands.

import { Link, Printer } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import type { Overview } from "../../api/answers";
import { useTexts } from "../../texts/TextsContext";
import { type Command, useCommands } from "../../view/commands";
import { linkTo } from "../../view/link";
import { useCsvCommand } from "../../view/rowsCsv";
import { usePlace } from "../../view/ViewContext";

/** How long the page says that it has copied. */
const SAID_MS = 2_500;

export interface Sharing {
  /** Null while there are no numbers to share. */
  copyLink: (() => void) | null;
  copied: boolean;
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
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SAID_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const summary = overview?.summary;
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
  return { copyLink, copied, refused, dismiss: () => setRefused(null), others, remark };
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
