// The shape of the page's words, which every language has.

import type { en } from "./en";
import type { enFirst } from "./enFirst";

/** The words of the first view. */
export type Texts = typeof enFirst;

/** These, and those of the pieces that are loaded later. */
export type AllTexts = typeof en;
