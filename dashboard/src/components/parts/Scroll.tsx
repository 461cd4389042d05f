// A part of a panel that scrolls on its own and can be reached by keyboard.

import type { ReactNode } from "react";

export function Scroll({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div
      role="region"
      aria-label={label}
      tabIndex={0}
      className="relative -mx-5 -mb-5 min-h-0 grow overflow-auto rounded-b-xl px-5 pb-3 focus-visible:-outline-offset-2 print:overflow-visible"
    >
      {children}
    </div>
  );
}
