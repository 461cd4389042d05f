// Opens the whole page, as main.tsx does, in the test's own process.

import { App } from "../App";
import { type Around, renderAlone } from "./around";

export function openPage(around: Around = {}): void {
  renderAlone(<App />, around);
}
