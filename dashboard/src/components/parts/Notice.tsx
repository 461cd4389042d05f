// A line above the numbers that qualifies them, and says what happens next.

import type { ReactNode } from "react";
import { Icon, type IconName } from "./icons";

interface NoticeProps {
  tone: "info" | "warning" | "bad";
  icon: IconName;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

const TONES = { info: "bg-info-tint", warning: "bg-warning-tint", bad: "bg-bad-tint" } as const;
const INKS = { info: "text-info", warning: "text-warning", bad: "text-bad" } as const;

export function Notice({ tone, icon, title, children, action }: NoticeProps) {
  return (
    <div
      role="status"
      className={`flex flex-wrap items-center gap-x-3 gap-y-2 rounded-xl px-4 py-2.5 text-sm ${TONES[tone]}`}
    >
      <Icon name={icon} className={INKS[tone]} />
      <p className="min-w-0 grow basis-64">
        <strong className={`font-semibold ${INKS[tone]}`}>{title}</strong> {children}
      </p>
      {action}
    </div>
  );
}
