// The command menu, which the page doesn't wait for.

import { lazy, useDeferredValue } from "react";
import { Later } from "../parts/Later";

const CommandCenter = lazy(async () => ({ default: (await import("./CommandCenter")).CommandCenter }));

/** It is loaded once the page stands: its files would be ahead of those of what is seen. */
export function CommandMenu() {
  const isDrawn = useDeferredValue(true, false);
  return (
    isDrawn && (
      <Later waiting={null}>
        <CommandCenter />
      </Later>
    )
  );
}
