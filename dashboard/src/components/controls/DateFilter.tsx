// Chooses the period: a preset, or two wall times of the chosen zone.

import { type SubmitEvent, useId, useState } from "react";
import { type Period, type Preset, PRESETS } from "../../view/period";
import { usePlace } from "../../view/ViewContext";
import { instantOf, wallOf } from "../../view/zone";
import { Float } from "../parts/Float";
import { Icon } from "../parts/icons";

export function DateFilter() {
  const { view, formats, change } = usePlace();
  const [open, setOpen] = useState(false);
  const choose = (period: Period) => {
    change({ period, granularity: null });
    setOpen(false);
  };
  const { period } = view;
  const shown = "preset" in period ? PRESETS[period.preset] : formats.period(period.from, period.to);
  return (
    <Float
      label="Period"
      className="flex flex-col sm:flex-row"
      open={open}
      onOpenChange={setOpen}
      trigger={
        <button type="button" className="control">
          <Icon name="calendar" className="text-muted" />
          <span className="sr-only">Period: </span>
          {shown}
          <Icon name="chevron" className="size-3.5 text-muted" />
        </button>
      }
    >
      <ul className="grid grid-cols-2 content-start gap-px p-2 sm:w-44 sm:grid-cols-1">
        {(Object.keys(PRESETS) as Preset[]).map((preset) => (
          <li key={preset}>
            <PresetButton
              preset={preset}
              chosen={"preset" in period && period.preset === preset}
              onChoose={() => choose({ preset })}
            />
          </li>
        ))}
      </ul>
      <CustomPeriod zone={view.zone} period={period} onChoose={choose} />
    </Float>
  );
}

function PresetButton(props: { preset: Preset; chosen: boolean; onChoose: () => void }) {
  const { preset, chosen, onChoose } = props;
  return (
    <button
      type="button"
      aria-pressed={chosen}
      onClick={onChoose}
      className="flex w-full items-center justify-between rounded-md px-2.5 py-1.5 text-left text-sm hover:bg-sunken aria-pressed:font-medium pointer-coarse:py-2.5"
    >
      {PRESETS[preset]}
      {chosen && <Icon name="check" className="text-accent" />}
    </button>
  );
}

interface CustomPeriodProps {
  zone: string;
  period: Period;
  onChoose: (period: Period) => void;
}

function CustomPeriod({ zone, period, onChoose }: CustomPeriodProps) {
  const [trouble, setTrouble] = useState<string | null>(null);
  const id = useId();
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const entries = new FormData(event.currentTarget);
    const chosen = customPeriod(zone, String(entries.get("from")), String(entries.get("to")));
    if (typeof chosen === "string") setTrouble(chosen);
    else onChoose(chosen);
  };
  const now = new Date();
  const bounds = "preset" in period ? { from: dayBefore(now), to: now } : period;
  return (
    <form className="space-y-3 border-t border-line p-4 sm:w-64 sm:border-t-0 sm:border-l" onSubmit={submit}>
      <h2 className="text-sm font-semibold">Custom</h2>
      {(["from", "to"] as const).map((name) => (
        <label key={name} className="block text-xs font-medium text-muted">
          {name === "from" ? "From" : "To"}
          <input
            type="datetime-local"
            className="field mt-1"
            name={name}
            required
            defaultValue={wallOf(zone, new Date(bounds[name]))}
            aria-describedby={id}
            aria-invalid={trouble !== null}
          />
        </label>
      ))}
      <p
        id={id}
        className={`text-xs ${trouble === null ? "text-muted" : "text-bad"}`}
        role={trouble ? "alert" : undefined}
      >
        {trouble ?? `Times of ${zone}`}
      </p>
      <button type="submit" className="control w-full justify-center">
        Show this period
      </button>
    </form>
  );
}

/** The period between two wall times of the zone, or what is wrong with them. */
export function customPeriod(zone: string, fromWall: string, toWall: string): Period | string {
  const [from, to] = [instantOf(zone, fromWall), instantOf(zone, toWall)];
  if (from === null || to === null) return "Both ends need a date and a time.";
  if (from >= to) return "The end must be after the start.";
  return { from: from.toISOString(), to: to.toISOString() };
}

function dayBefore(instant: Date): Date {
  return new Date(instant.getTime() - 24 * 60 * 60 * 1_000);
}
