// A panel in each state of its question: what a person uses in it stays there while answers come and go.
//
// @vitest-environment happy-dom

import { cleanup, fireEvent, screen } from "@testing-library/react";
import { useState } from "react";
import { afterEach, expect, it } from "vitest";
import { Refusal } from "../../api/refusal";
import { serve } from "../../testing/api";
import { renderAlone } from "../../testing/around";
import type { Asked } from "../../view/questions";
import { Panel } from "./Panel";

serve();
afterEach(cleanup);

const SAVE = { id: "test.save", label: "Save", run: () => {} };
const COMMANDS = [SAVE];
const REFUSAL = new Refusal("unreachable");

/** The states that a question goes through, as far as a panel looks at them. */
const STATES = {
  waiting: { data: undefined, error: null, isPlaceholderData: false },
  answered: { data: { body: "the numbers" }, error: null, isPlaceholderData: false },
  changing: { data: { body: "the numbers" }, error: null, isPlaceholderData: true },
  old: { data: { body: "the numbers" }, error: REFUSAL, isPlaceholderData: false },
  refused: { data: undefined, error: REFUSAL, isPlaceholderData: false },
} as const;
type State = keyof typeof STATES;

/** A panel with a control, and beside it a button for each state of its question. */
function Shown() {
  const [state, setState] = useState<State>("waiting");
  const asked = { ...STATES[state], dataUpdatedAt: 0, refetch: () => {} } as unknown as Asked<string>;
  return (
    <>
      {(Object.keys(STATES) as State[]).map((each) => (
        <button key={each} type="button" onClick={() => setState(each)}>
          {each}
        </button>
      ))}
      <Panel
        name="test"
        title="Runs"
        asked={asked}
        controls={<input aria-label="Find" />}
        menu={COMMANDS}
        skeleton={<p>a skeleton</p>}
      >
        {(body) => <p>{body}</p>}
      </Panel>
    </>
  );
}

const become = (state: State) => fireEvent.click(screen.getByRole("button", { name: state }));
const region = () => screen.getByRole("region", { name: "Runs" });

it("keeps its controls, with the focus and what was typed, in every state", () => {
  renderAlone(<Shown />);
  const control = screen.getByLabelText<HTMLInputElement>("Find");
  const place = control.parentElement;
  control.focus();
  fireEvent.change(control, { target: { value: "mail" } });
  for (const state of [
    "answered",
    "changing",
    "answered",
    "old",
    "refused",
    "waiting",
    "answered",
  ] as const) {
    become(state);
    expect(screen.getByLabelText("Find"), state).toBe(control);
    expect(control.parentElement, state).toBe(place);
    expect(document.activeElement, state).toBe(control);
    expect(control.value, state).toBe("mail");
  }
});

it("is busy while it waits for an answer, and not when there is none", () => {
  renderAlone(<Shown />);
  const busy = (state: State) => {
    become(state);
    return region().getAttribute("aria-busy");
  };
  expect((Object.keys(STATES) as State[]).map((state) => [state, busy(state)])).toEqual([
    ["waiting", "true"],
    ["answered", "false"],
    ["changing", "true"],
    ["old", "false"],
    ["refused", "false"],
  ]);
});

it("shows numbers, what stands for them, or why there are none", () => {
  renderAlone(<Shown />);
  expect(region().textContent).toContain("a skeleton");
  become("answered");
  expect(region().textContent).toContain("the numbers");
  become("old");
  expect(region().textContent).toMatch(/the numbers/);
  expect(region().textContent).toMatch(/from /);
  become("refused");
  expect(region().textContent).toContain("Couldn’t be loaded");
});

it("offers its menu only with an answer: there is nothing to save before", () => {
  renderAlone(<Shown />);
  expect(screen.queryByRole("button", { name: "More actions: Runs" })).toBeNull();
  become("answered");
  expect(screen.getByRole("button", { name: "More actions: Runs" })).toBeTruthy();
  become("refused");
  expect(screen.queryByRole("button", { name: "More actions: Runs" })).toBeNull();
});
