// Opens a browser's own list, for commands.

export function openSelect(select: HTMLSelectElement | null): void {
  select?.focus();
  try {
    select?.showPicker();
  } catch {
    // This browser doesn't let the page open it: the focus is there, and arrow keys choose.
  }
}
