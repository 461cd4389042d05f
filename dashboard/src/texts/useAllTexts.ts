// All words in the chosen language, for pieces that are loaded later: the English ones of these come with the pieces.

import { en } from "./en";
import type { AllTexts } from "./texts";
import { useLanguage, useTexts } from "./TextsContext";

export function useAllTexts(): AllTexts {
  const { language } = useLanguage();
  const texts = useTexts();
  // Of other languages, the one file has all words.
  return language === "en" ? en : (texts as AllTexts);
}
