// A value that follows another one: in which order they are drawn.
//
// @vitest-environment happy-dom

import { cleanup, render } from "@testing-library/react";
import { useEffect } from "react";
import { afterEach, expect, it } from "vitest";
import { useAfterwards } from "./useAfterwards";

const drawn: string[] = [];

function Shown({ value }: { value: string }) {
  const after = useAfterwards(value);
  useEffect(() => {
    drawn.push(`${value} ${after}`);
  });
  return null;
}

afterEach(cleanup);

it("changes once what has the new value is drawn, and not before", () => {
  const { rerender } = render(<Shown value="a" />);
  rerender(<Shown value="b" />);
  expect(drawn).toEqual(["a a", "b a", "b b"]);
});
