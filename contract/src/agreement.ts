// Writes the records that protovalidate has judged, for the decoder's test.

import { writeFileSync } from "node:fs";
import { agreement, AGREEMENT, judged } from "./judge.js";

writeFileSync(AGREEMENT, agreement(judged()));
