// The theme: light, dark, or the system's; stored for this browser.

import { useCallback, useState } from "react";

export const THEMES = { system: "System", light: "Light", dark: "Dark" } as const;
export type Theme = keyof typeof THEMES;

const STORED_AS = "theme";

/** Applies the stored choice. */
export function applyStoredTheme(): void {
  apply(storedTheme());
}

/** The choice, and a function that changes it. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(storedTheme);
  const choose = useCallback((next: Theme) => {
    apply(next);
    setTheme(next);
    try {
      localStorage.setItem(STORED_AS, next);
    } catch {
      // storage is switched off: the choice lasts as long as the page does
    }
  }, []);
  return [theme, choose];
}

function storedTheme(): Theme {
  try {
    const stored = localStorage.getItem(STORED_AS);
    return stored === "light" || stored === "dark" ? stored : "system";
  } catch {
    return "system";
  }
}

function apply(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}
