// The names of the organizations that were shown in this tab: a token names only their ids.

const STORED_AS = "organization-names";

export function learnName(id: string, name: string): void {
  const names = known();
  if (names[id] === name) return;
  try {
    sessionStorage.setItem(STORED_AS, JSON.stringify({ ...names, [id]: name }));
  } catch {
    // storage is switched off: the id is shown
  }
}

/** The organization's name; its id, if it hasn't been shown yet. */
export function organizationName(id: string): string {
  return known()[id] ?? id;
}

function known(): Readonly<Record<string, string>> {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(STORED_AS) ?? "{}");
    if (typeof stored !== "object" || stored === null) return {};
    return Object.fromEntries(Object.entries(stored).filter(([, name]) => typeof name === "string"));
  } catch {
    return {};
  }
}
