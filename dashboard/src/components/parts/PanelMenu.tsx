// What can be done with a panel, behind one button: save its numbers, save its picture.

import { Ellipsis } from "lucide-react";
import { useState } from "react";
import type { Command } from "../../view/commands";
import { Float } from "./Float";
import { Keys } from "./Keys";

const PLACE = "-mr-1.5 size-8 pointer-coarse:size-10 print:hidden";

interface PanelMenuProps {
  /** What is in it, and of what. */
  label: string;
  actions: readonly Command[];
}

export function PanelMenu({ label, actions }: PanelMenuProps) {
  const [open, setOpen] = useState(false);
  if (actions.length === 0) return null;
  return (
    <Float
      label={label}
      align="end"
      className="min-w-48 p-1"
      open={open}
      onOpenChange={setOpen}
      trigger={
        <button
          type="button"
          title={label}
          className={`${PLACE} grid place-items-center rounded-lg text-muted hover:bg-sunken hover:text-ink data-[state=open]:bg-sunken`}
        >
          <Ellipsis />
          <span className="sr-only">{label}</span>
        </button>
      }
    >
      <ul>
        {actions.map(({ id, label: words, keys, icon: Icon, run }) => (
          <li key={id}>
            <button
              type="button"
              className="flex w-full items-center gap-2.5 rounded-lg px-2.5 py-1.5 text-left text-sm hover:bg-ink/6 pointer-coarse:py-2.5"
              onClick={() => {
                setOpen(false);
                run();
              }}
            >
              {Icon === undefined ? null : <Icon className="text-muted" />}
              <span className="grow">{words}</span>
              {keys !== undefined && <Keys keys={keys} />}
            </button>
          </li>
        ))}
      </ul>
    </Float>
  );
}

/** Takes the menu's place while there is nothing to do anything with: on a phone it decides how the controls wrap. */
export function PanelMenuPlace() {
  return <div className={PLACE} />;
}
