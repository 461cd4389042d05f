// A surface that opens from a button and floats above the page. What draws it is loaded when a pointer or the focus
// comes near the button.

import { cloneElement, lazy, type ReactElement, type ReactNode, useRef, useState } from "react";
import { Later } from "./Later";

const load = () => import("./FloatLayer");
const FloatLayer = lazy(async () => ({ default: (await load()).FloatLayer }));

/** The properties of a button. */
interface TriggerProps {
  onClick?: (() => void) | undefined;
  onPointerEnter?: (() => void) | undefined;
  onFocus?: (() => void) | undefined;
}

interface FloatProps {
  label: string;
  /** A button; a click on it opens and closes the surface. */
  trigger: ReactElement<TriggerProps>;
  align?: "start" | "end";
  className: string;
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
  children: ReactNode;
}

export function Float(props: FloatProps) {
  const { label, trigger, align = "start", className, open: given, onOpenChange, children } = props;
  const [own, setOwn] = useState(false);
  const anchor = useRef<HTMLButtonElement>(null);
  const open = given ?? own;
  const change = (next: boolean) => {
    setOwn(next);
    onOpenChange?.(next);
  };
  const prepare = (then: (() => void) | undefined) => () => {
    void load();
    then?.();
  };
  const { onClick, onPointerEnter, onFocus } = trigger.props;
  return (
    <>
      {cloneElement(trigger as ReactElement<Record<string, unknown>>, {
        ref: anchor,
        "aria-haspopup": "dialog",
        "aria-expanded": open,
        "data-state": open ? "open" : "closed",
        onPointerEnter: prepare(onPointerEnter),
        onFocus: prepare(onFocus),
        onClick: () => {
          onClick?.();
          change(!open);
        },
      })}
      {open && (
        <Later waiting={<></>}>
          <FloatLayer
            anchor={anchor}
            label={label}
            align={align}
            className={className}
            onClose={() => change(false)}
          >
            {children}
          </FloatLayer>
        </Later>
      )}
    </>
  );
}
