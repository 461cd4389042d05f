// A part of a panel that scrolls on its own and can be reached by keyboard.

import type { ReactNode } from "react";

export function Scroll({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div
      role="region"
      aria-label={label}
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- without it, no key would scroll it
      tabIndex={0}
      className="relative -mx-4 -mb-4 min-h-0 grow overflow-auto rounded-b-xl px-4 pb-3 sm:-mx-5 sm:-mb-5 sm:px-5 focus-visible:-outline-offset-2 print:overflow-visible"
    >
      {children}
    </div>
  );
}
