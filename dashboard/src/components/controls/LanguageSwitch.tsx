// Chooses the language of the page's words.

import { useLanguage, useTexts } from "../../texts/TextsContext";
import { Segmented } from "../parts/Segmented";
import { LANGUAGE_NAMES } from "./languageNames";

export function LanguageSwitch() {
  const { controls } = useTexts();
  const { language, choose } = useLanguage();
  return <Segmented label={controls.language} choices={LANGUAGE_NAMES} chosen={language} onChoose={choose} />;
}
