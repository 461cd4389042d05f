// Chooses the period: a button that names it and opens presets and a calendar, and arrows to the periods beside it.

import { CalendarDays, ChevronDown, ChevronLeft, ChevronRight } from "lucide-react";
import { lazy, type ReactNode, useCallback, useMemo, useState } from "react";
import type { Range } from "../../api/answers";
import { useTexts } from "../../texts/TextsContext";
import { useCommands } from "../../view/commands";
import { moved, type Period, PRESETS } from "../../view/period";
import { usePlace } from "../../view/ViewContext";
import { widthFor } from "../../view/width";
import { Float } from "../parts/Float";
import { Later } from "../parts/Later";
import { PRESET_KEYS } from "./presetKeys";
import { rangeShown } from "./rangeShown";

const load = () => import("./RangePanel");
const RangePanel = lazy(async () => ({ default: (await load()).RangePanel }));

interface RangePickerProps {
  now: () => Date;
  /** The range of the answer; null before it. */
  shown: Range | null;
}

export function RangePicker({ now, shown }: RangePickerProps) {
  const { view, formats, change } = usePlace();
  const { commands, controls } = useTexts();
  const [open, setOpen] = useState(false);
  const { period, zone, granularity } = view;

  const choose = useCallback(
    (next: Period) => {
      setOpen(false);
      // A preset is shown as usual.
      change({
        period: next,
        granularity: "preset" in next ? null : widthFor(next, zone, granularity),
      });
    },
    [change, zone, granularity],
  );
  const step = useCallback(
    (by: -1 | 1) => {
      const beside = moved(period, zone, now(), by);
      if (beside !== null) choose(beside);
    },
    [period, zone, now, choose],
  );
  useCommands(
    useMemo(
      () => [
        ...PRESETS.map((preset) => ({
          id: `range.${preset}`,
          label: controls.presets[preset],
          keys: PRESET_KEYS[preset],
          icon: CalendarDays,
          run: () => choose({ preset }),
        })),
        {
          id: "range.open",
          label: commands.openPeriod,
          keys: "r",
          icon: CalendarDays,
          run: () => setOpen(true),
        },
        {
          id: "range.previous",
          label: controls.previousPeriod,
          keys: "[",
          icon: ChevronLeft,
          run: () => step(-1),
        },
        { id: "range.next", label: controls.nextPeriod, keys: "]", icon: ChevronRight, run: () => step(1) },
      ],
      [commands, controls, choose, step],
    ),
  );

  const name =
    "preset" in period ? controls.presets[period.preset] : formats.range(rangeShown(period, shown, zone));
  return (
    <div className="flex min-w-0 items-center">
      <Step label={controls.previousPeriod} keys="[" className="rounded-r-none" onStep={() => step(-1)}>
        <ChevronLeft />
      </Step>
      <Float
        label={controls.period}
        className="print:hidden"
        open={open}
        onOpenChange={setOpen}
        trigger={
          <button
            type="button"
            className="control -mx-px min-w-0 rounded-none focus-visible:z-10 max-sm:px-2"
            title={name}
            onPointerEnter={() => void load()}
            onFocus={() => void load()}
          >
            <CalendarDays className="text-muted max-sm:hidden" />
            <span className="sr-only">{controls.period}: </span>
            <span className="truncate">{name}</span>
            <ChevronDown className="text-muted max-sm:hidden" />
          </button>
        }
      >
        <Later waiting={<Waiting />}>
          <RangePanel now={now} onChoose={choose} />
        </Later>
      </Float>
      <Step
        label={controls.nextPeriod}
        keys="]"
        className="rounded-l-none"
        off={moved(period, zone, now(), 1) === null}
        onStep={() => step(1)}
      >
        <ChevronRight />
      </Step>
    </div>
  );
}

interface StepProps {
  label: string;
  keys: string;
  className: string;
  off?: boolean;
  onStep: () => void;
  children: ReactNode;
}

/** Not disabled when there is no further period: that would drop the focus. */
function Step({ label, keys, className, off = false, onStep, children }: StepProps) {
  return (
    <button
      type="button"
      className={`control px-1.5 focus-visible:z-10 aria-disabled:cursor-default aria-disabled:text-muted aria-disabled:*:opacity-40 pointer-coarse:w-10 pointer-coarse:justify-center ${className}`}
      title={label}
      aria-label={label}
      aria-keyshortcuts={keys}
      aria-disabled={off}
      onClick={() => !off && onStep()}
    >
      {children}
    </button>
  );
}

/** As large as the panel on most screens. */
function Waiting() {
  const { controls } = useTexts();
  return (
    <p role="status" className="h-104 w-72 p-4 text-sm text-muted md:w-[45.75rem]">
      {controls.loading}
    </p>
  );
}
