// The size of an element, as it changes.

import { useCallback, useState } from "react";

export interface Measured {
  /** 0 until it is known. */
  width: number;
  height: number;
}

const UNKNOWN: Measured = { width: 0, height: 0 };

/** `atOnce`: it is known with the first drawing. For that the browser lays out the whole page within it. */
export function useSize(
  atOnce = true,
): [ref: (element: HTMLElement | null) => (() => void) | undefined, size: Measured] {
  const [size, setSize] = useState(UNKNOWN);
  const ref = useCallback(
    (element: HTMLElement | null) => {
      if (element === null) return undefined;
      const take = ({ width, height }: Measured) => {
        // On paper nothing is drawn to fit.
        if (width === 0 || height === 0) return;
        setSize((now) => (now.width === width && now.height === height ? now : { width, height }));
      };
      // An observer tells it with a later frame only, if the window is seen at all; until then the chart would be blank.
      if (atOnce) take(element.getBoundingClientRect());
      const observer = new ResizeObserver(([entry]) => entry && take(entry.contentRect));
      observer.observe(element);
      return () => observer.disconnect();
    },
    [atOnce],
  );
  return [ref, size];
}
