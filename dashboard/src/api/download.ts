// Saves lists of the API as CSV files: all pages of a list, as one file, under a name that says what is in it.

import { Problem } from "business-metrics-client";
import type { Range } from "./answers";
import { Refusal } from "./refusal";
import { fetchSettingClock } from "./serverClock";

/** The paths that have lists. */
export type ListPath =
  | "/metrics/summary"
  | "/metrics/trends"
  | "/metrics/workflow-health"
  | "/metrics/failures"
  | "/metrics/failure-groups"
  | "/metrics/delivery-health"
  | "/metrics/insights";

/** Whose lists are asked for. */
export interface Asker {
  token: string;
  organization: string | null;
}

/** What is asked for: parameters that are null or undefined are left out. */
export type ListQuery = Readonly<Record<string, string | number | null | undefined>>;

export interface Saved {
  /** Whether the file has all of the list, or as many pages as a file gets. */
  whole: boolean;
  /** How many pages it has. */
  pages: number;
}

const VERSION = "/v1";
/** With pages as long as the API gives them, a file of 10,000 rows: as many failures as the API groups. */
const PAGES_MAX = 100;
/** How often a request waits that the organization's rate has no room for. */
const WAITS_MAX = 5;
/** The longest of these pauses. */
const WAIT_MAX_SECONDS = 10;

/** Asks for the list, and hands the browser the file. `names` are the page's words for names in the first column. */
export async function downloadCsv(
  asker: Asker,
  path: ListPath,
  query: ListQuery,
  fileName: string,
  names: Readonly<Record<string, string>> = {},
): Promise<Saved> {
  const { text, ...saved } = await csvOf(asker, path, query);
  saveAs(new Blob([named(text, names)], { type: "text/csv;charset=utf-8" }), fileName);
  return saved;
}

/**
 * The list with all its pages, as one CSV.
 *
 * @throws {Refusal} when there is no answer
 */
export async function csvOf(
  asker: Asker,
  path: ListPath,
  query: ListQuery,
): Promise<Saved & { text: string }> {
  const base = VERSION + path;
  let text = "";
  let search: string | null = searchOf(query);
  let pages = 0;
  while (search !== null && pages < PAGES_MAX) {
    const page = await pageAt(base + search, asker);
    // The header row is the same on each page; a row of it never has a line break.
    text += pages === 0 ? page.text : page.text.slice(page.text.indexOf("\n") + 1);
    search = page.next;
    pages += 1;
  }
  return { text, pages, whole: search === null };
}

/** The CSV with these words for names in its first column, below the header. */
export function named(text: string, names: Readonly<Record<string, string>>): string {
  return text.replace(/\n"?([^",\r\n]+)"?(?=[,\r\n])/g, (cell, name: string) => {
    const words = Object.hasOwn(names, name) ? names[name] : undefined;
    return words === undefined ? cell : `\n"${words.replaceAll('"', '""')}"`;
  });
}

/** Hands the browser a file, without leaving the page. */
export function saveAs(file: Blob, name: string): void {
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.hidden = true;
  document.body.append(link);
  link.click();
  link.remove();
  // The browser has begun to read the file by then.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** What a file's name has of a range. */
type Named = Pick<Range, "from" | "to" | "granularity">;

/** `acme-workflows-2026-02-18-to-2026-02-24.csv`: organization, panel, and the range by the zone's clock. */
export function csvName(organization: string, panel: string, range: Named, zone: string): string {
  return `${fileNameOf(organization, panel, range, zone)}.csv`;
}

/** The same without an ending. */
export function fileNameOf(organization: string, panel: string, range: Named, zone: string): string {
  const byDays = range.granularity === "day";
  const from = stamp(range.from, byDays, zone);
  // A range of days ends with the last day in it.
  const to = stamp(byDays ? new Date(Date.parse(range.to) - 1).toISOString() : range.to, byDays, zone);
  const span = from === to ? from : `${from}-to-${to}`;
  return [organization, panel, span].map(plain).join("-");
}

function stamp(instant: string, byDays: boolean, zone: string): string {
  // Swedish dates are those of ISO 8601.
  const date = { year: "numeric", month: "2-digit", day: "2-digit" } as const;
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, ...date, ...(byDays ? {} : time) });
  return format.format(new Date(instant)).replace(/[ ,]+/, "T").replace(":", "");
}

/** What every file system takes. */
function plain(part: string): string {
  return part.replace(/[^\p{L}\p{N}._]+/gu, "-").replace(/^[-.]+|-+$/g, "") || "x";
}

interface CsvPage {
  text: string;
  /** The query of the next page; null on the last one. */
  next: string | null;
}

async function pageAt(address: string, asker: Asker): Promise<CsvPage> {
  for (let waits = 0; ; waits += 1) {
    try {
      return await pageOf(await fetchSettingClock(address, { headers: headersOf(asker) }));
    } catch (error) {
      const seconds = error instanceof Problem && error.status === 429 ? error.retryAfterSeconds : null;
      if (seconds === null || waits >= WAITS_MAX || seconds > WAIT_MAX_SECONDS) throw Refusal.of(error);
      await new Promise((resolve) => setTimeout(resolve, Math.max(1, seconds) * 1_000));
    }
  }
}

async function pageOf(response: Response): Promise<CsvPage> {
  if (!response.ok) throw await Problem.of(response);
  return { text: await response.text(), next: nextOf(response.headers.get("link")) };
}

/** `<?from=...&cursor=...>; rel="next"`: relative to the request. */
export function nextOf(link: string | null): string | null {
  return /<(\?[^>]*)>\s*;\s*rel="?next"?/.exec(link ?? "")?.[1] ?? null;
}

function headersOf({ token, organization }: Asker): Record<string, string> {
  const chosen: Record<string, string> = organization === null ? {} : { "organization-id": organization };
  return { authorization: `Bearer ${token}`, accept: "text/csv", ...chosen };
}

function searchOf(query: ListQuery): string {
  const set = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  return `?${new URLSearchParams(set.map(([name, value]) => [name, String(value)]))}`;
}
