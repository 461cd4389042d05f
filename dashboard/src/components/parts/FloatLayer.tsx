// The surface of a Float: beside its button, closed by Escape and by a click elsewhere.
//
// It isn't modal: modal layers would write style elements, which the Content-Security-Policy forbids.

import { Popover } from "radix-ui";
import { type ReactNode, type RefObject, useRef } from "react";

interface FloatLayerProps {
  /** The button. */
  anchor: RefObject<HTMLButtonElement | null>;
  label: string;
  align: "start" | "end";
  className: string;
  onClose: () => void;
  children: ReactNode;
}

export function FloatLayer({ anchor, label, align, className, onClose, children }: FloatLayerProps) {
  /** Closed by a click elsewhere: the focus stays there. */
  const left = useRef(false);
  return (
    <Popover.Root open onOpenChange={(open) => !open && onClose()}>
      <Popover.Anchor virtualRef={anchor} />
      <Popover.Portal>
        <Popover.Content
          aria-label={label}
          align={align}
          sideOffset={6}
          collisionPadding={12}
          onInteractOutside={(event) => {
            // A click on the button closes the surface by itself.
            if (anchor.current?.contains(event.target as Node)) event.preventDefault();
            else left.current = true;
          }}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            if (!left.current) anchor.current?.focus();
          }}
          className={`z-20 max-w-(--radix-popover-content-available-width) rounded-xl bg-raised text-ink shadow-float outline-none print:hidden ${className}`}
        >
          {children}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
