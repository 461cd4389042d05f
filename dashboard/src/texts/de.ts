// Alle Wörter der Seite auf Deutsch.

import { deFirst } from "./deFirst";
import { deLater } from "./deLater";
import type { AllTexts } from "./texts";

export const de: AllTexts = { ...deFirst, ...deLater };
