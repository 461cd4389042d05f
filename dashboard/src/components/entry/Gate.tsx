// The frame of a page without numbers: one card in the middle.

import type { ReactNode } from "react";
import { Icon, type IconName } from "../parts/icons";

interface GateProps {
  icon: IconName;
  title: string;
  children: ReactNode;
}

export function Gate({ icon, title, children }: GateProps) {
  return (
    <main className="grid min-h-dvh place-items-center p-4">
      <div className="w-full max-w-sm rounded-2xl border border-line bg-surface p-7 shadow-card">
        <span className="grid size-11 place-items-center rounded-xl bg-sunken text-accent">
          <Icon name={icon} className="size-5" />
        </span>
        <h1 className="mt-4 text-xl font-semibold tracking-tight">{title}</h1>
        {children}
      </div>
    </main>
  );
}
