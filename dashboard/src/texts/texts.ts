// The shape of the page's words, which every language has.

import type { enFirst } from "./enFirst";
import type { enLater } from "./enLater";

/** The words of the first view. */
export type Texts = typeof enFirst;

/** Those of the pieces that are loaded later. */
export type LaterTexts = typeof enLater;

export type AllTexts = Texts & LaterTexts;
