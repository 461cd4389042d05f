// The size of the chart: known with the first drawing, whatever the browser's observer does.
//
// @vitest-environment happy-dom

import { act, cleanup, render, screen } from "@testing-library/react";
import { useEffect } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { useSize } from "./useSize";

type Size = Pick<DOMRectReadOnly, "width" | "height">;

/** What the observer of this test's browser tells, if it is told to. */
let observed: ((size: Size) => void) | null;

class Observer {
  constructor(callback: ResizeObserverCallback) {
    observed = (contentRect) => {
      callback([{ contentRect } as ResizeObserverEntry], this as unknown as ResizeObserver);
    };
  }
  observe() {}
  disconnect() {
    observed = null;
  }
}

/** The elements of this test's browser have this size. */
const sized = (size: Size) =>
  vi.spyOn(HTMLElement.prototype, "getBoundingClientRect").mockReturnValue(size as DOMRect);

const tell = (size: Size) => act(() => observed?.(size));

/** How often the size was another one: then the chart is drawn again. */
let changes = 0;

function Shown() {
  const [ref, size] = useSize();
  useEffect(() => {
    changes += 1;
  }, [size]);
  return (
    <p ref={ref} data-testid="sized">
      {`${size.width} × ${size.height}`}
    </p>
  );
}

function Expected() {
  const [ref, size] = useSize(false);
  return (
    <p ref={ref} data-testid="sized">
      {`${size.width} × ${size.height}`}
    </p>
  );
}

const shown = () => screen.getByTestId("sized").textContent;

beforeEach(() => {
  changes = 0;
  vi.stubGlobal("ResizeObserver", Observer);
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("is there with the first drawing, although an observer tells nothing before the next frame", () => {
  sized({ width: 748.67, height: 340 });
  render(<Shown />);
  expect(shown()).toBe("748.67 × 340");
});

it("follows the observer, and stays where there is none on the screen", () => {
  sized({ width: 748, height: 340 });
  render(<Shown />);
  tell({ width: 900, height: 300 });
  expect(shown()).toBe("900 × 300");
  tell({ width: 0, height: 0 });
  expect(shown()).toBe("900 × 300");
});

it("isn't drawn again by the observer's first word, which is the same", () => {
  sized({ width: 748, height: 340 });
  render(<Shown />);
  const before = changes;
  tell({ width: 748, height: 340 });
  expect(changes).toBe(before);
  tell({ width: 749, height: 340 });
  expect(changes).toBe(before + 1);
});

it("is unknown of what isn't on the screen, and known as soon as it is", () => {
  sized({ width: 0, height: 0 });
  render(<Shown />);
  expect(shown()).toBe("0 × 0");
  tell({ width: 748, height: 340 });
  expect(shown()).toBe("748 × 340");
});

it("isn't measured where a size is expected: the observer tells it", () => {
  const measure = sized({ width: 748, height: 340 });
  render(<Expected />);
  expect(shown()).toBe("0 × 0");
  expect(measure).not.toHaveBeenCalled();
  tell({ width: 748, height: 340 });
  expect(shown()).toBe("748 × 340");
});

it("is observed no longer once it is gone", () => {
  sized({ width: 748, height: 340 });
  render(<Shown />);
  expect(observed).not.toBeNull();
  cleanup();
  expect(observed).toBeNull();
});
