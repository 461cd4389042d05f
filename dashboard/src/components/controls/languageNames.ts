// The languages' names, each in itself, so that whoever can't read the page finds the own one.

import type { Language } from "../../texts";

export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: "English", de: "Deutsch" };
