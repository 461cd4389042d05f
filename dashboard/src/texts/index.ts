// The languages of the page: which one is chosen, and its words, loaded on demand. English is always there.

import { enFirst } from "./enFirst";
import type { AllTexts, Texts } from "./texts";

export type { AllTexts, Texts };
export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

const STORED_AS = "language";
const FALLBACK: Language = "en";

/** A language and its words. English words of later pieces come with these pieces. */
export type Spoken =
  { language: "en"; texts: Texts } | { language: Exclude<Language, "en">; texts: AllTexts };

export const ENGLISH: Spoken = { language: "en", texts: enFirst };

/** The words of a language. German is a file of its own, loaded when it is wanted; English if that fails. */
export async function spoken(language: Language): Promise<Spoken> {
  if (language === "en") return ENGLISH;
  try {
    const { de } = await import("./de");
    return { language, texts: de };
  } catch {
    return ENGLISH;
  }
}

/** The language that was chosen in this browser; otherwise the first of the system's languages that the page has. */
export function chosenLanguage(): Language {
  return storedLanguage() ?? preferred(systemLanguages());
}

/** The first of these languages (BCP 47) that the page has; English if it has none of them. */
export function preferred(languages: readonly string[]): Language {
  const wanted = languages.map((tag) => tag.toLowerCase().split("-")[0]);
  return wanted.flatMap((name) => LANGUAGES.filter((language) => language === name))[0] ?? FALLBACK;
}

/** The system's languages, as the browser tells them: perhaps none, perhaps no language at all (`C`). */
export function systemLanguages(): readonly string[] {
  const told: readonly unknown[] = navigator.languages ?? [navigator.language];
  return told.filter((tag) => typeof tag === "string" && tag !== "") as string[];
}

/** Keeps the choice in this browser. */
export function storeLanguage(language: Language): void {
  try {
    localStorage.setItem(STORED_AS, language);
  } catch {
    // storage is switched off: the choice lasts as long as the page does
  }
}

function storedLanguage(): Language | null {
  try {
    const stored = localStorage.getItem(STORED_AS);
    return LANGUAGES.find((language) => language === stored) ?? null;
  } catch {
    return null;
  }
}
