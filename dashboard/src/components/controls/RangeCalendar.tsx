// The calendar: one month or two, in which a pointer or the arrow keys choose a range of days.

import "./reactAria";
import {
  type CalendarDate,
  endOfMonth,
  GregorianCalendar,
  isSameDay,
  isSameMonth,
  parseDate,
  toCalendarDate,
  toZoned,
} from "@internationalized/date";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { useEffect, useMemo, useRef } from "react";
import { I18nProvider } from "react-aria/I18nProvider";
import { useCalendarCell, useCalendarGrid, useRangeCalendar } from "react-aria/useRangeCalendar";
import { type RangeCalendarState, useRangeCalendarState } from "react-stately/useRangeCalendarState";
import { useAllTexts } from "../../texts/useAllTexts";

const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
type Weekday = (typeof WEEKDAYS)[number];

/** As many as a month can touch, so that the calendar keeps its height. */
const WEEKS_SHOWN = 6;

interface RangeCalendarProps {
  /** The first and the last day, as 2026-02-25. */
  from: string;
  to: string;
  /** The day that arrow keys leave from; its month is shown. */
  focused: string;
  /** By the server's clock. No later day can be chosen. */
  today: string;
  zone: string;
  locale: string;
  /** 1 is Monday, 7 Sunday. */
  firstDay: number;
  months: 1 | 2;
  onFocus: (day: string) => void;
  onChoose: (from: string, to: string) => void;
  /** Told between the first click and the second: what a click elsewhere would choose. Null when nothing is begun. */
  onBegun: (days: { from: string; to: string } | null) => void;
}

export function RangeCalendar(props: RangeCalendarProps) {
  // Some regions have another calendar; the page's dates are Gregorian everywhere.
  const locale = `${props.locale}-u-ca-gregory`;
  return (
    <I18nProvider locale={locale}>
      <Months {...props} locale={locale} />
    </I18nProvider>
  );
}

function Months(props: RangeCalendarProps) {
  const { from, to, focused, today, zone, locale, months, onFocus, onChoose, onBegun } = props;
  const { picking } = useAllTexts();
  const ref = useRef<HTMLDivElement>(null);
  const firstDayOfWeek = WEEKDAYS[props.firstDay - 1] ?? "mon";
  // The zone is that of the values: without one, the calendar would take the browser's, which may be unknown.
  const value = useMemo(
    () => ({ start: toZoned(parseDate(from), zone), end: toZoned(parseDate(to), zone) }),
    [from, to, zone],
  );
  const state = useRangeCalendarState({
    value,
    onChange: ({ start, end }) => onChoose(dayOf(start), dayOf(end)),
    focusedValue: parseDate(focused),
    onFocusChange: (day) => onFocus(dayOf(day)),
    maxValue: parseDate(today),
    visibleDuration: { months },
    pageBehavior: "single",
    selectionAlignment: "end",
    weeksInMonth: WEEKS_SHOWN,
    firstDayOfWeek,
    locale,
    createCalendar: () => new GregorianCalendar(),
  });
  const begun = state.anchorDate === null ? null : state.highlightedRange;
  const [begins, ends] = begun === null ? [null, null] : [dayOf(begun.start), dayOf(begun.end)];
  useEffect(() => {
    onBegun(begins === null || ends === null ? null : { from: begins, to: ends });
  }, [begins, ends, onBegun]);
  const { calendarProps } = useRangeCalendar({ "aria-label": picking.days }, state, ref);
  return (
    <div {...calendarProps} ref={ref} className="relative flex justify-center gap-5">
      <Turn
        label={picking.previousMonth}
        className="left-0"
        off={state.isPreviousVisibleRangeInvalid()}
        onTurn={() => state.focusPreviousPage()}
      >
        <ChevronLeft />
      </Turn>
      {Array.from({ length: months }, (_, offset) => (
        <Month
          key={offset}
          state={state}
          start={state.visibleRange.start.add({ months: offset })}
          today={parseDate(today)}
          locale={locale}
          firstDayOfWeek={firstDayOfWeek}
        />
      ))}
      <Turn
        label={picking.nextMonth}
        className="right-0"
        off={state.isNextVisibleRangeInvalid()}
        onTurn={() => state.focusNextPage()}
      >
        <ChevronRight />
      </Turn>
    </div>
  );
}

interface TurnProps {
  label: string;
  className: string;
  off: boolean;
  onTurn: () => void;
  children: React.ReactNode;
}

/** Not disabled when there is no further month: that would drop the focus. */
function Turn({ label, className, off, onTurn, children }: TurnProps) {
  return (
    <button
      type="button"
      aria-label={label}
      aria-disabled={off}
      className={`absolute top-0 grid size-8 place-items-center rounded-lg text-muted not-aria-disabled:hover:bg-ink/6 aria-disabled:cursor-default aria-disabled:opacity-40 pointer-coarse:size-10 ${className}`}
      onClick={() => !off && onTurn()}
    >
      {children}
    </button>
  );
}

interface MonthProps {
  state: RangeCalendarState;
  /** The month's first day. */
  start: CalendarDate;
  today: CalendarDate;
  locale: string;
  firstDayOfWeek: Weekday;
}

function Month({ state, start, today, locale, firstDayOfWeek }: MonthProps) {
  const { gridProps, headerProps, weekDays, weeksInMonth } = useCalendarGrid(
    { startDate: start, endDate: endOfMonth(start), weekdayStyle: "short", firstDayOfWeek },
    state,
  );
  const format = useMemo(
    () => new Intl.DateTimeFormat(locale, { month: "long", year: "numeric", timeZone: "UTC" }),
    [locale],
  );
  return (
    <div>
      <p
        aria-hidden="true"
        className="flex h-8 items-center justify-center text-sm font-semibold pointer-coarse:h-10"
      >
        {format.format(start.toDate("UTC"))}
      </p>
      <table {...gridProps} className="border-collapse">
        <thead {...headerProps}>
          <tr>
            {weekDays.map((day) => (
              <th key={day} className="h-7 text-xs font-normal text-muted">
                {day}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {Array.from({ length: weeksInMonth }, (_, week) => (
            <tr key={week}>
              {state.getDatesInWeek(week, start).map((date, index) =>
                date !== null && isSameMonth(date, start) ? (
                  <Day key={index} state={state} date={date} today={today} locale={locale} />
                ) : (
                  // As high as a day.
                  <td key={index} className="h-9 pointer-coarse:h-10" />
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface DayProps {
  state: RangeCalendarState;
  date: CalendarDate;
  today: CalendarDate;
  locale: string;
}

function Day({ state, date, today, locale }: DayProps) {
  const { picking } = useAllTexts();
  const ref = useRef<HTMLDivElement>(null);
  const { cellProps, buttonProps, isSelected, isDisabled, formattedDate } = useCalendarCell(
    { date },
    state,
    ref,
  );
  const isToday = isSameDay(date, today);
  const { highlightedRange: range } = state;
  const begins = range !== null && isSameDay(date, range.start);
  const ends = range !== null && isSameDay(date, range.end);
  const band = isSelected ? `bg-accent/15 ${begins ? "rounded-l-lg" : ""} ${ends ? "rounded-r-lg" : ""}` : "";
  const look = isDisabled
    ? "text-muted opacity-50 cursor-default"
    : isSelected && (begins || ends)
      ? "bg-accent text-on-accent"
      : "hover:bg-accent/15 cursor-pointer";
  return (
    <td {...cellProps} className={`p-0 ${band}`}>
      <div
        {...buttonProps}
        ref={ref}
        // React Aria's own name says "today" by the browser's clock.
        aria-label={picking.day(longDate(date, locale), isToday, isSelected)}
        className={`grid size-9 place-items-center rounded-lg text-sm focus-visible:-outline-offset-2 pointer-coarse:size-10 ${look} ${isToday ? "font-semibold underline decoration-2 underline-offset-4" : ""}`}
      >
        {formattedDate}
      </div>
    </td>
  );
}

function longDate(date: CalendarDate, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "full", timeZone: "UTC" }).format(date.toDate("UTC"));
}

function dayOf(value: Parameters<typeof toCalendarDate>[0]): string {
  return toCalendarDate(value).toString();
}
