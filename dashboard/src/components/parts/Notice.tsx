// A line above the numbers that qualifies them, and says what happens next.

import { type LucideIcon, X } from "lucide-react";
import type { ReactNode } from "react";
import { useTexts } from "../../texts/TextsContext";

interface NoticeProps {
  tone: "info" | "warning" | "bad";
  icon: LucideIcon;
  title?: string;
  children?: ReactNode;
  action?: ReactNode;
  /** With it, the notice can be dismissed. */
  onDismiss?: () => void;
}

const TONES = { info: "bg-info-tint", warning: "bg-warning-tint", bad: "bg-bad-tint" } as const;
const INKS = { info: "text-info", warning: "text-warning", bad: "text-bad" } as const;

export function Notice({ tone, icon: Icon, title, children, action, onDismiss }: NoticeProps) {
  const { common } = useTexts();
  return (
    <div
      role="status"
      className={`flex flex-wrap items-center gap-x-3 gap-y-2 rounded-xl px-4 py-2.5 text-sm ${TONES[tone]}`}
    >
      <Icon className={INKS[tone]} />
      <p className="min-w-0 grow basis-40">
        {title !== undefined && <strong className={`font-semibold ${INKS[tone]}`}>{title} </strong>}
        {children}
      </p>
      {action}
      {onDismiss !== undefined && (
        <button
          type="button"
          className="-my-1 -mr-1.5 grid size-8 place-items-center rounded-lg hover:bg-surface pointer-coarse:size-10 print:hidden"
          onClick={onDismiss}
        >
          <X />
          <span className="sr-only">{common.dismiss}</span>
        </button>
      )}
    </div>
  );
}
