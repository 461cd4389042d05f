// A surface that opens from a button and floats above the page.
//
// It isn't modal: modal layers would write style elements, which the Content-Security-Policy forbids.

import { Popover } from "radix-ui";
import type { ReactNode } from "react";

interface FloatProps {
  label: string;
  trigger: ReactNode;
  align?: "start" | "end";
  className: string;
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
  children: ReactNode;
}

export function Float({ label, trigger, align = "start", className, children, ...controlled }: FloatProps) {
  return (
    <Popover.Root {...controlled}>
      <Popover.Trigger asChild>{trigger}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          aria-label={label}
          align={align}
          sideOffset={6}
          collisionPadding={12}
          className={`z-20 max-w-[calc(100vw-1.5rem)] rounded-xl bg-raised text-ink shadow-float outline-none ${className}`}
        >
          {children}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
