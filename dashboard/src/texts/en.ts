// All words of the page in English.

import { enFirst } from "./enFirst";
import { enLater } from "./enLater";

export const en = { ...enFirst, ...enLater };
