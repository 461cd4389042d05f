// Which page of a list is shown, where pages are named by cursors.

import { useState } from "react";
import type { Range } from "../api/answers";
import type { Page } from "./rowQuestions";

export interface Pages {
  /** The page that is shown; null for the first. */
  page: Page | null;
  /** How many pages there are before it. */
  before: number;
  /** Null on the first page. */
  onPrevious: (() => void) | null;
  /** Where the page after this one begins, by its answer; null on the last page. */
  next: (cursor: string | null, range: Range) => (() => void) | null;
}

/** `scope` names the list: another one begins with its first page. */
export function usePages(scope: string): Pages {
  const [turned, setTurned] = useState<{ scope: string; pages: readonly Page[] }>({ scope, pages: [] });
  const pages = turned.scope === scope ? turned.pages : [];
  const turn = (to: readonly Page[]) => setTurned({ scope, pages: to });
  return {
    page: pages.at(-1) ?? null,
    before: pages.length,
    onPrevious: pages.length === 0 ? null : () => turn(pages.slice(0, -1)),
    next: (cursor, range) => (cursor === null ? null : () => turn([...pages, { cursor, range }])),
  };
}
