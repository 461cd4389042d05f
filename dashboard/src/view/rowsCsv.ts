// The command that saves a panel's list as a CSV file, of the very range that the panel shows.

import { Download } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import type { Envelope } from "../api/answers";
import type { ListPath, ListQuery } from "../api/download";
import { Refusal } from "../api/refusal";
import { useSession } from "../api/session";
import { useTexts } from "../texts/TextsContext";
import type { Command } from "./commands";
import { exactly } from "./rowsRange";
import { usePlace } from "./ViewContext";

export interface CsvList {
  /** Names the command, once on the page, such as `workflows.csv`. */
  id: string;
  keys?: string;
  label: string;
  /** What the file's name says of what is in it; English, as file names are. */
  file: string;
  path: ListPath;
  /** Beside the range. */
  query: ListQuery;
  /** The page's words for names in the first column. */
  names?: Readonly<Record<string, string>>;
}

/** Of what the file is: the organization, and the range that the answer is for. */
type Of = Pick<Envelope, "organizationId" | "range">;

export interface CsvCommand {
  command: Command;
  /** What there is to say about the last file; null if all went well. */
  remark: string | null;
}

/** `of` is what the panel shows; null while it shows nothing, and then the command does nothing. */
export function useCsvCommand(list: CsvList, of: Of | null): CsvCommand {
  const { token, organization } = useSession();
  const { view } = usePlace();
  const { rows } = useTexts();
  const [remark, setRemark] = useState<string | null>(null);
  const { id, keys, label, file, path } = list;
  // By its content: the caller makes a new object each time.
  const question = JSON.stringify([list.query, of?.range, list.names]);
  const organizationId = of?.organizationId ?? null;
  const run = useCallback(async () => {
    const [query, range, names] = JSON.parse(question) as [ListQuery, Of["range"]?, CsvList["names"]?];
    if (token === null || organizationId === null || range === undefined) return;
    setRemark(null);
    try {
      // A piece of its own: most people save no file.
      const { csvName, downloadCsv } = await import("../api/download");
      const of = exactly(range);
      const name = csvName(organizationId, file, of, view.zone);
      const asked = { ...of, ...query };
      const { whole } = await downloadCsv({ token, organization }, path, asked, name, names ?? {});
      if (!whole) setRemark(rows.csv.notWhole);
    } catch (error) {
      setRemark(rows.csv.failed(error instanceof Refusal ? (error.detail ?? null) : null));
    }
  }, [question, organizationId, token, organization, file, path, view.zone, rows]);
  const command = useMemo<Command>(
    () => ({
      id,
      ...(keys === undefined ? {} : { keys }),
      label,
      icon: Download,
      run: () => void run(),
    }),
    [id, keys, label, run],
  );
  return { command, remark };
}
