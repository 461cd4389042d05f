// The page's words in the chosen language, as a React context.

import { createContext, type ReactNode, use, useCallback, useEffect, useMemo, useState } from "react";
import { ENGLISH, type Language, type Spoken, spoken, storeLanguage, type Texts } from "./index";

interface Chosen {
  language: Language;
  choose: (language: Language) => void;
}

const TextsContext = createContext<Texts>(ENGLISH.texts);
const LanguageContext = createContext<Chosen>({ language: ENGLISH.language, choose: () => {} });

/** `initial` is loaded before the first render, so that no word changes before a person's eyes. */
export function TextsProvider({ initial = ENGLISH, children }: { initial?: Spoken; children: ReactNode }) {
  const [{ language, texts }, setSpoken] = useState(initial);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const choose = useCallback((next: Language) => {
    storeLanguage(next);
    void spoken(next).then(setSpoken);
  }, []);
  const chosen = useMemo(() => ({ language, choose }), [language, choose]);
  return (
    <LanguageContext value={chosen}>
      <TextsContext value={texts}>{children}</TextsContext>
    </LanguageContext>
  );
}

/** The words in the chosen language. */
export function useTexts(): Texts {
  return use(TextsContext);
}

/** The chosen language, and the function that chooses another. */
export function useLanguage(): Chosen {
  return use(LanguageContext);
}
