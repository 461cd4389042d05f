// Fills a panel that has nothing to draw: says why, and what to do.

import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

interface BlankProps {
  icon: LucideIcon;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

export function Blank({ icon: Icon, title, children, action }: BlankProps) {
  return (
    <div className="flex grow flex-col items-center justify-center px-4 py-6 text-center">
      <span className="grid size-10 place-items-center rounded-full bg-sunken text-muted">
        <Icon className="size-5" />
      </span>
      <p className="mt-3 text-sm font-medium">{title}</p>
      <p className="mt-1 max-w-[22rem] text-sm text-balance text-muted">{children}</p>
      {action !== undefined && <div className="mt-4 print:hidden">{action}</div>}
    </div>
  );
}
