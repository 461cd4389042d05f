// Chooses the colours: the system's, light or dark.

import { type Theme, THEMES, useTheme } from "../../view/theme";
import { Icon, type IconName } from "../parts/icons";
import { Segmented } from "../parts/Segmented";

const PICTURES: Readonly<Record<Theme, IconName>> = { system: "screen", light: "sun", dark: "moon" };

export function ThemeSwitch() {
  const [theme, choose] = useTheme();
  return (
    <Segmented
      label="Appearance"
      choices={THEMES}
      chosen={theme}
      onChoose={choose}
      picture={(choice) => <Icon name={PICTURES[choice]} />}
    />
  );
}
