// The panels of the page, found where they are drawn, and the way from one to the next.

const PANELS = "main section:is([aria-labelledby], [aria-label])";

export interface PanelThere {
  name: string;
  element: HTMLElement;
}

/** In the order of the page; panels within panels are left out, and those that can't be used. */
export function panelsThere(): PanelThere[] {
  return [...document.querySelectorAll<HTMLElement>(PANELS)]
    .filter((element) => element.parentElement?.closest(`${PANELS}, [inert]`) === null)
    .map((element) => ({ name: nameOf(element), element }))
    .filter(({ name }) => name !== "");
}

/** Goes to a panel: the next Tab reaches what is in it. */
export function goTo({ element }: PanelThere): void {
  if (!element.hasAttribute("tabindex")) element.tabIndex = -1;
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: "start" });
}

/** Goes to the panel after (1) or before (-1) the one that has the focus; from elsewhere to the first or the last. */
export function goBeside(by: -1 | 1): void {
  const panels = panelsThere();
  const at = panels.findIndex(({ element }) => element.contains(document.activeElement));
  const next = at === -1 ? (by === 1 ? 0 : panels.length - 1) : at + by;
  const panel = panels[next];
  if (panel !== undefined) goTo(panel);
}

function nameOf(element: HTMLElement): string {
  const label = element.getAttribute("aria-labelledby");
  const named = label === null ? null : document.getElementById(label);
  return (named?.textContent ?? element.getAttribute("aria-label") ?? "").trim();
}
