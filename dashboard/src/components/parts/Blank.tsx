// Fills a panel that has nothing to draw: says why, and what to do.

import type { ReactNode } from "react";
import { Icon, type IconName } from "./icons";

interface BlankProps {
  icon: IconName;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

export function Blank({ icon, title, children, action }: BlankProps) {
  return (
    <div className="flex grow flex-col items-center justify-center px-4 py-8 text-center">
      <span className="grid size-10 place-items-center rounded-full bg-sunken text-muted">
        <Icon name={icon} className="size-5" />
      </span>
      <p className="mt-3 text-sm font-medium">{title}</p>
      <p className="mt-1 max-w-[22rem] text-sm text-balance text-muted">{children}</p>
      {action !== undefined && <div className="mt-4 print:hidden">{action}</div>}
    </div>
  );
}
