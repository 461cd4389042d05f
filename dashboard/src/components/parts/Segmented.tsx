// A choice among a few options: radio buttons in a row.

import { type ReactNode, useId } from "react";

interface SegmentedProps<Choice extends string> {
  label: string;
  choices: Readonly<Record<Choice, string>>;
  chosen: Choice;
  onChoose: (choice: Choice) => void;
  /** Draws an option, such as an icon; the option's word stays its accessible name. */
  picture?: (choice: Choice) => ReactNode;
}

export function Segmented<Choice extends string>(props: SegmentedProps<Choice>) {
  const { label, choices, chosen, onChoose, picture } = props;
  const name = useId();
  return (
    <fieldset className="inline-flex rounded-lg bg-sunken p-0.5 print:hidden">
      <legend className="sr-only">{label}</legend>
      {(Object.keys(choices) as Choice[]).map((choice) => (
        <label
          key={choice}
          title={picture && choices[choice]}
          className="flex h-7 items-center rounded-md px-2.5 text-xs font-medium text-muted has-checked:bg-chosen has-checked:text-ink has-checked:shadow-card has-focus-visible:outline-2 has-focus-visible:outline-accent pointer-coarse:h-9"
        >
          <input
            type="radio"
            className="sr-only"
            name={name}
            value={choice}
            checked={choice === chosen}
            onChange={() => onChoose(choice)}
          />
          {picture?.(choice)}
          <span className={picture && "sr-only"}>{choices[choice]}</span>
        </label>
      ))}
    </fieldset>
  );
}
