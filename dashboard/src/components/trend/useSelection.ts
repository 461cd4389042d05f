// The crosshair and the selection, moved by mouse, finger and keys.
//
// A mouse zooms in when its button is released. A finger also moves the crosshair by dragging, so it only selects, and
// a button zooms in. Where a bucket can be opened, a click or Enter opens it; after a finger's tap a button does.

import { type KeyboardEvent, type PointerEvent, useState } from "react";
import { movedBy, type Selection } from "../../view/chartOfSelection";

/** A press that moves less than this is a click, in pixels. */
const DRAG_MIN = 5;

interface Press {
  index: number;
  x: number;
  moved: boolean;
}

interface Handlers {
  onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
  onFocus: (event: { currentTarget: HTMLElement }) => void;
  onBlur: () => void;
  onPointerDown: (event: PointerEvent<HTMLElement>) => void;
  onPointerMove: (event: PointerEvent<HTMLElement>) => void;
  onPointerUp: (event: PointerEvent<HTMLElement>) => void;
  onPointerCancel: () => void;
  onPointerLeave: (event: PointerEvent<HTMLElement>) => void;
}

interface Selecting {
  /** The bucket under the crosshair. */
  active: number | null;
  selection: Selection | null;
  /** What a button may zoom in to: the selection, or the bucket that a finger has tapped. */
  offered: Selection | null;
  clear: () => void;
  handlers: Handlers;
}

export function useSelection(
  last: number,
  indexAt: (event: PointerEvent<HTMLElement>) => number,
  onZoom: (selection: Selection) => void,
  /** Whether a single bucket can be opened. */
  opens: boolean,
): Selecting {
  const [active, setActive] = useState<number | null>(null);
  const [chosen, setSelection] = useState<Selection | null>(null);
  const [press, setPress] = useState<Press | null>(null);
  const [tapped, setTapped] = useState(false);
  const selection =
    chosen === null ? null : { anchor: Math.min(chosen.anchor, last), head: Math.min(chosen.head, last) };
  const shown = active === null ? null : Math.min(active, last);
  const clear = () => {
    setSelection(null);
    setPress(null);
    setTapped(false);
  };
  const open = (index: number) => onZoom({ anchor: index, head: index });

  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const { key, shiftKey } = event;
    const at = shown ?? last;
    const next = movedBy(key, at, last);
    if (next !== null) {
      setTapped(false);
      setActive(next);
      setSelection(shiftKey ? { anchor: selection?.anchor ?? at, head: next } : null);
    } else if (key === "Enter" && selection !== null) {
      clear();
      onZoom(selection);
    } else if (key === "Enter" && opens && shown !== null) {
      clear();
      open(shown);
    } else if (key === "Escape" && (selection !== null || press !== null)) {
      clear();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const onPointerDown = (event: PointerEvent<HTMLElement>) => {
    if (event.button !== 0 || !event.isPrimary) return;
    const index = indexAt(event);
    // Moves outside of the chart are told, too.
    event.currentTarget.setPointerCapture(event.pointerId);
    clear();
    setActive(index);
    setPress({ index, x: event.clientX, moved: false });
  };
  const onPointerMove = (event: PointerEvent<HTMLElement>) => {
    const index = indexAt(event);
    setActive(index);
    if (press === null || (!press.moved && Math.abs(event.clientX - press.x) < DRAG_MIN)) return;
    if (!press.moved) setPress({ ...press, moved: true });
    setSelection({ anchor: press.index, head: index });
  };
  const onPointerUp = (event: PointerEvent<HTMLElement>) => {
    setPress(null);
    if (press === null) return;
    const touch = event.pointerType === "touch";
    if (!press.moved && opens) {
      if (touch) setTapped(true);
      else open(press.index);
    } else if (press.moved && selection !== null && !touch) {
      clear();
      onZoom(selection);
    }
  };

  return {
    active: shown,
    selection,
    offered:
      press !== null
        ? null
        : (selection ?? (opens && tapped && shown !== null ? { anchor: shown, head: shown } : null)),
    clear,
    handlers: {
      onKeyDown,
      onFocus: ({ currentTarget }) => {
        if (currentTarget.matches(":focus-visible")) setActive(shown ?? last);
      },
      onBlur: () => {
        setActive(null);
        setTapped(false);
      },
      onPointerDown,
      onPointerMove,
      onPointerUp,
      // The browser took the finger's way for scrolling.
      onPointerCancel: () => {
        clear();
        setActive(null);
      },
      // A finger that is lifted leaves, too; what it pointed at stays until it points elsewhere.
      onPointerLeave: ({ pointerType }) => {
        if (pointerType !== "touch" && press === null) setActive(null);
      },
    },
  };
}
