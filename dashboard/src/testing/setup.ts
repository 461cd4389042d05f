// What every test file starts with: Temporal, which Node.js doesn't have yet, and a limit for a busy machine.

import { configure } from "@testing-library/dom";
import { loadTemporal } from "../view/temporal";

// Elsewhere what is waited for is there at once.
configure({ asyncUtilTimeout: 10_000 });

await loadTemporal();
