// The command menu, which the page doesn't wait for.

import { lazy } from "react";
import { Later } from "../parts/Later";

const CommandCenter = lazy(async () => ({ default: (await import("./CommandCenter")).CommandCenter }));

export function CommandMenu() {
  return (
    <Later waiting={null}>
      <CommandCenter />
    </Later>
  );
}
