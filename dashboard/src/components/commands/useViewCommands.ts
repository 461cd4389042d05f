// Registers the commands of the page itself: what the chart shows, what is compared, whose clock is used, how it looks.

import {
  ArrowDown,
  ArrowUp,
  Building2,
  ChartColumn,
  GitCompareArrows,
  Globe,
  Keyboard,
  Languages,
  LogOut,
  Monitor,
  Moon,
  Radio,
  Sun,
  SunMoon,
} from "lucide-react";
import { useMemo } from "react";
import { useLive } from "../../api/live";
import { useSession } from "../../api/session";
import { LANGUAGES } from "../../texts";
import { useLanguage, useTexts } from "../../texts/TextsContext";
import { useAllTexts } from "../../texts/useAllTexts";
import { useChooseMetric } from "../../view/choosing";
import { type Command, useCommands } from "../../view/commands";
import { organizationName } from "../../view/organizations";
import { inZone } from "../../view/period";
import { systemZone } from "../../view/system";
import { type Theme, THEMES, useTheme } from "../../view/theme";
import { COMPARISONS } from "../../view/view";
import { usePlace } from "../../view/ViewContext";
import { placeOf, UTC } from "../../view/zone";
import { LANGUAGE_NAMES } from "../controls/languageNames";
import { goBeside } from "./panels";

const THEME_ICONS = { system: Monitor, light: Sun, dark: Moon } as const;

export function useViewCommands(showKeys: () => void): void {
  useCommands(useMetrics());
  useCommands(useComparisons());
  useCommands(useZones());
  useCommands(useLooks());
  useCommands(useSessionCommands());
  const { commandList } = useAllTexts();
  useCommands(
    useMemo(
      () => [
        {
          id: "panel.next",
          label: commandList.nextPanel,
          keys: "j",
          icon: ArrowDown,
          run: () => goBeside(1),
        },
        {
          id: "panel.previous",
          label: commandList.previousPanel,
          keys: "k",
          icon: ArrowUp,
          run: () => goBeside(-1),
        },
        { id: "keys", label: commandList.showKeys, keys: "?", icon: Keyboard, run: showKeys },
      ],
      [commandList, showKeys],
    ),
  );
}

/** In the order of the cards, so that a card's place is its key. */
function useMetrics(): readonly Command[] {
  const { kpi } = useTexts();
  const choose = useChooseMetric();
  return useMemo(
    () =>
      Object.entries(kpi.names).map(([metric, label], index) => ({
        id: `metric.${metric}`,
        label,
        keys: String(index + 1),
        icon: ChartColumn,
        run: () => choose(metric),
      })),
    [kpi, choose],
  );
}

function useComparisons(): readonly Command[] {
  const { controls } = useTexts();
  const { change } = usePlace();
  return useMemo(
    () =>
      COMPARISONS.map((compare) => ({
        id: `compare.${compare}`,
        label: controls.comparisons[compare],
        icon: GitCompareArrows,
        run: () => change({ compare }),
      })),
    [controls, change],
  );
}

function useZones(): readonly Command[] {
  const chooseZone = useChooseZone();
  return useMemo(() => {
    const to = (zone: string, keys?: string): Command => ({
      id: `zone.${zone}`,
      label: placeOf(zone),
      ...(keys === undefined ? {} : { keys }),
      icon: Globe,
      run: () => chooseZone(zone),
    });
    const own = systemZone().used;
    return own === UTC ? [to(UTC, "u")] : [to(UTC, "u"), to(own)];
  }, [chooseZone]);
}

/** Shows another zone's times: of whole days the same dates. */
export function useChooseZone(): (zone: string) => void {
  const { view, change } = usePlace();
  const { period, zone: before } = view;
  return useMemo(
    () => (zone: string) => change({ zone, period: inZone(period, before, zone) }),
    [period, before, change],
  );
}

function useLooks(): readonly Command[] {
  const { commandList, controls } = useAllTexts();
  const { choose: speak } = useLanguage();
  const [theme, choose] = useTheme();
  return useMemo(
    () => [
      {
        id: "theme.other",
        label: commandList.otherAppearance,
        keys: "a",
        icon: SunMoon,
        run: () => choose(otherThan(theme)),
      },
      ...THEMES.map((each) => ({
        id: `theme.${each}`,
        label: commandList.appearance(controls.themes[each]),
        icon: THEME_ICONS[each],
        run: () => choose(each),
      })),
      ...LANGUAGES.map((language) => ({
        id: `language.${language}`,
        label: commandList.language(LANGUAGE_NAMES[language]),
        icon: Languages,
        run: () => speak(language),
      })),
    ],
    [commandList, controls, speak, theme, choose],
  );
}

/** Dark for what looks light, and the other way round. */
function otherThan(theme: Theme): Theme {
  const looksDark =
    theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  return looksDark ? "light" : "dark";
}

function useSessionCommands(): readonly Command[] {
  const { commandList, page } = useAllTexts();
  const { claims, organization, chooseOrganization, signOut } = useSession();
  const { on, turn } = useLive();
  return useMemo(() => {
    const organizations = claims?.organizations ?? [];
    const others = organizations.length < 2 ? [] : organizations.filter((id) => id !== organization);
    return [
      {
        id: "live",
        label: on ? commandList.liveOff : commandList.liveOn,
        keys: "l",
        icon: Radio,
        run: () => turn(!on),
      },
      ...others.map((id) => ({
        id: `organization.${id}`,
        label: commandList.organization(organizationName(id)),
        icon: Building2,
        run: () => chooseOrganization(id),
      })),
      { id: "session.signOut", label: page.signOut, icon: LogOut, run: signOut },
    ];
  }, [commandList, page, claims, organization, chooseOrganization, signOut, on, turn]);
}
