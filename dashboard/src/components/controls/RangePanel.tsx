// What the period's button opens: presets, which apply at once, and days with optional times, which apply with "Show".

import {
  type KeyboardEvent,
  type ReactNode,
  type SubmitEvent,
  useEffect,
  useId,
  useRef,
  useState,
} from "react";
import { usePageSettings } from "../../api/pageSettings";
import { useLanguage } from "../../texts/TextsContext";
import { useAllTexts } from "../../texts/useAllTexts";
import { shortcutsOf } from "../../view/keyNames";
import { firstDayHere, isWholeDays, type Period, type Preset, PRESETS } from "../../view/period";
import { localeOf } from "../../view/system";
import { usePlace } from "../../view/ViewContext";
import { allows, HOURLY_DAYS_MAX } from "../../view/width";
import { placeOf, wallOf } from "../../view/zone";
import { Keys } from "../parts/Keys";
import { useMedia } from "../parts/useMedia";
import { PRESET_KEYS } from "./presetKeys";
import { RangeCalendar } from "./RangeCalendar";
import { daysIn, type Draft, draftOf, periodOf } from "./rangeDraft";

/** The API's usual `MAX_RANGE_DAYS`, until its settings are known: it begins longer ranges later. */
const DAYS_MAX_USUAL = 93;

/** While a year is being typed, it is one of the first centuries. The calendar doesn't go there. */
const FIRST_DAY = "2000-01-01";

/** From here on two months have room beside the presets, with days that are large enough for fingers. */
const TWO_MONTHS = "(min-width: 54rem)";

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };

interface RangePanelProps {
  now: () => Date;
  onChoose: (period: Period) => void;
}

export function RangePanel({ now, onChoose }: RangePanelProps) {
  const { view } = usePlace();
  const chosen = "preset" in view.period ? view.period.preset : null;
  return (
    <div className="flex max-h-(--radix-popover-content-available-height) flex-col overflow-y-auto overscroll-contain md:flex-row">
      <Presets chosen={chosen} onChoose={(preset) => onChoose({ preset })} />
      <Days now={now} onChoose={onChoose} />
    </div>
  );
}

function Presets({ chosen, onChoose }: { chosen: Preset | null; onChoose: (preset: Preset) => void }) {
  const { controls, picking } = useAllTexts();
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const buttons = list.current?.querySelectorAll("button") ?? [];
    (buttons[chosen === null ? 0 : PRESETS.indexOf(chosen)] ?? buttons[0])?.focus();
    // Only when the panel opens.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  const move = (event: KeyboardEvent<HTMLUListElement>) => {
    const by = STEPS[event.key];
    const buttons = [...(list.current?.querySelectorAll("button") ?? [])];
    const at = buttons.findIndex((button) => button === document.activeElement);
    if (by === undefined || at === -1) return;
    event.preventDefault();
    buttons[(at + by + buttons.length) % buttons.length]?.focus();
  };
  return (
    // Arrow keys go along the buttons, which can all be reached without them.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <ul
      ref={list}
      aria-label={picking.usualPeriods}
      className="grid shrink-0 grid-cols-2 content-start gap-px p-2 md:w-44 md:grid-cols-1"
      onKeyDown={move}
    >
      {PRESETS.map((preset) => (
        <li key={preset}>
          <button
            type="button"
            aria-pressed={preset === chosen}
            aria-keyshortcuts={shortcutsOf(PRESET_KEYS[preset])}
            onClick={() => onChoose(preset)}
            className="flex w-full items-center justify-between gap-2 rounded-lg px-2.5 py-1.5 text-left text-sm whitespace-nowrap hover:bg-ink/6 aria-pressed:bg-accent/15 aria-pressed:font-medium pointer-coarse:py-2.5"
          >
            {controls.presets[preset]}
            <Keys keys={PRESET_KEYS[preset]} className="max-md:hidden" />
          </button>
        </li>
      ))}
    </ul>
  );
}

function Days({ now, onChoose }: RangePanelProps) {
  const { view, formats } = usePlace();
  const { picking } = useAllTexts();
  const { language } = useLanguage();
  const twoMonths = useMedia(TWO_MONTHS);
  const id = useId();
  const [today] = useState(() => wallOf(view.zone, now()).slice(0, 10));
  const [kept, setDraft] = useState(() => withinDays(draftOf(view.period, view.zone, now()), today));
  /** The days between the first click in the calendar and the second: "Show" would show them. */
  const [begun, setBegun] = useState<Pick<Draft, "from" | "to"> | null>(null);
  const draft = { ...kept, ...begun };
  /** The last days that the calendar could show. */
  const [days, setDays] = useState({ from: kept.from, to: kept.to });
  const [focused, setFocused] = useState(kept.to);
  const [refused, setRefused] = useState(false);

  const change = (part: Partial<Draft>) => {
    const next = { ...draft, ...part };
    setDraft(next);
    setRefused(false);
    if (daysIn(next) === null || next.to > today || next.from < FIRST_DAY) return;
    setDays({ from: next.from, to: next.to });
    setFocused(part.from ?? next.to);
  };
  const meant = periodOf(draft, view.zone, now());
  const trouble = typeof meant === "string" ? picking.periodTroubles[meant] : null;
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (typeof meant === "string") setRefused(true);
    else onChoose(meant);
  };
  const daysMax = usePageSettings().data?.maxRangeDays ?? DAYS_MAX_USUAL;
  const begin = typeof meant === "string" ? null : beginOfLimited(meant, daysMax, now());
  /** It has times, but is too long for hours. */
  const byDays =
    typeof meant !== "string" &&
    !("preset" in meant) &&
    !isWholeDays(meant, view.zone) &&
    !allows("hour", meant);
  const count = draft.from < FIRST_DAY ? null : daysIn(draft);
  const field = { describedBy: id, invalid: refused && trouble !== null };
  return (
    <form
      // The browser's own complaints would be in the browser's language.
      noValidate
      className="space-y-3 border-t border-line p-3 md:border-t-0 md:border-l md:p-4"
      onSubmit={submit}
    >
      <RangeCalendar
        {...days}
        focused={focused}
        today={today}
        zone={view.zone}
        locale={localeOf(language).used}
        firstDay={firstDayHere()}
        months={twoMonths ? 2 : 1}
        onFocus={setFocused}
        onChoose={(from, to) => change({ from, to })}
        onBegun={setBegun}
      />
      <div className="grid gap-3 sm:grid-cols-2">
        <End label={picking.from}>
          <Field
            {...field}
            type="date"
            label={picking.from}
            value={draft.from}
            max={today}
            onChange={(from) => change({ from })}
          />
          <Field
            {...field}
            type="time"
            label={picking.fromTime}
            value={draft.fromTime}
            onChange={(fromTime) => change({ fromTime })}
          />
        </End>
        <End label={picking.to}>
          <Field
            {...field}
            type="date"
            label={picking.to}
            value={draft.to}
            max={today}
            onChange={(to) => change({ to })}
          />
          <Field
            {...field}
            type="time"
            label={picking.toTime}
            value={draft.toTime}
            onChange={(toTime) => change({ toTime })}
          />
        </End>
      </div>
      {/* Where the panel is longer than the screen, the button stays in sight. */}
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 bg-raised max-md:sticky max-md:bottom-0 max-md:-mx-3 max-md:-mb-3 max-md:border-t max-md:border-line max-md:p-3">
        {/* Two lines high, so that the button stays where it is. */}
        <p id={id} className="min-h-8 min-w-0 flex-1 basis-48 text-xs" aria-live="polite">
          {refused && trouble !== null ? (
            <span className="text-bad">{trouble}</span>
          ) : begin !== null || byDays ? (
            <span className="text-warning">
              {begin !== null && picking.tooLong(daysMax, formats.day(begin))}
              {byDays && ` ${picking.wholeDays(HOURLY_DAYS_MAX)}`}
            </span>
          ) : (
            <span className="text-muted">{picking.timesHint(placeOf(view.zone))}</span>
          )}
        </p>
        <button
          type="submit"
          className="control border-transparent bg-accent text-on-accent hover:not-disabled:bg-accent/85"
        >
          {count === null ? picking.show : picking.showDays(count)}
        </button>
      </div>
    </form>
  );
}

function End({ label, children }: { label: string; children: ReactNode }) {
  return (
    <fieldset>
      <legend className="mb-1 text-xs font-medium text-muted">{label}</legend>
      <div className="flex gap-2">{children}</div>
    </fieldset>
  );
}

interface FieldProps {
  type: "date" | "time";
  label: string;
  value: string;
  max?: string;
  describedBy: string;
  invalid: boolean;
  onChange: (value: string) => void;
}

function Field({ type, label, value, max, describedBy, invalid, onChange }: FieldProps) {
  return (
    <input
      type={type}
      aria-label={label}
      aria-describedby={describedBy}
      aria-invalid={invalid}
      className={`field min-w-0 pointer-coarse:h-10 [&::-webkit-calendar-picker-indicator]:hidden ${type === "date" ? "grow-[3] basis-0" : "grow-[2] basis-0"}`}
      value={value}
      max={max}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

/** A draft that ends today at the latest: later days can't be chosen. */
function withinDays(draft: Draft, today: string): Draft {
  const to = draft.to > today ? today : draft.to;
  return { ...draft, from: draft.from > to ? to : draft.from, to };
}

/** Where the answer to a period that is too long will begin; null if it isn't. */
function beginOfLimited(period: Period, daysMax: number, now: Date): Date | null {
  if ("preset" in period) return null;
  const end = Math.min(Date.parse(period.to), now.getTime());
  const begin = end - daysMax * 24 * 60 * 60 * 1_000;
  return begin > Date.parse(period.from) ? new Date(begin) : null;
}
