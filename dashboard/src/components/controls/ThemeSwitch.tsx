// Chooses the colours: the system's, light or dark.

import { type LucideIcon, Monitor, Moon, Sun } from "lucide-react";
import { useTexts } from "../../texts/TextsContext";
import { type Theme, useTheme } from "../../view/theme";
import { Segmented } from "../parts/Segmented";

const PICTURES: Readonly<Record<Theme, LucideIcon>> = { system: Monitor, light: Sun, dark: Moon };

export function ThemeSwitch() {
  const { controls } = useTexts();
  const [theme, choose] = useTheme();
  return (
    <Segmented
      label={controls.appearance}
      choices={controls.themes}
      chosen={theme}
      onChoose={choose}
      picture={(choice) => {
        const Picture = PICTURES[choice];
        return <Picture />;
      }}
    />
  );
}
