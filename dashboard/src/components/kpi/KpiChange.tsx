// A KPI's change, and the two values that it is between: a reader can check it by hand.

import { ArrowDown, ArrowUp, type LucideIcon, Minus } from "lucide-react";
import type { ReactNode } from "react";
import type { Comparison, Kpi } from "../../api/answers";
import { useTexts } from "../../texts/TextsContext";
import type { Change, Tone } from "../../view/kpi";
import { usePlace } from "../../view/ViewContext";

const INKS: Readonly<Record<Tone, string>> = { good: "text-good", bad: "text-bad", neutral: "text-muted" };

interface KpiChangeProps {
  kpi: Kpi;
  change: Change;
  comparison: Comparison | null;
  /** Records cover what is compared with. */
  covered: boolean;
}

export function KpiChange({ kpi, change, comparison, covered }: KpiChangeProps) {
  const { view, formats } = usePlace();
  const { kpi: words } = useTexts();
  switch (change.kind) {
    case "none":
      return (
        <p className="text-muted">
          {view.compare === "none" ? null : comparison === null ? words.changes.tooEarly : words.changes.none}
        </p>
      );
    case "same":
      return (
        <>
          <Line icon={Minus} tone="neutral">
            <data data-part="change" value={0}>
              {words.changes.same}
            </data>
          </Line>
          <Between kpi={kpi} {...change} comparison={comparison} covered={covered} />
        </>
      );
    case "new":
      return (
        <>
          <Line icon={ArrowUp} tone="neutral">
            {words.changes.new}
          </Line>
          <p className="text-muted">{covered ? words.noneBefore : words.begunSince}</p>
        </>
      );
    case "tenfold":
    case "percent":
    case "points": {
      const isPoints = change.kind === "points";
      const value = isPoints ? change.points : change.percent;
      return (
        <>
          <Line icon={value < 0 ? ArrowDown : ArrowUp} tone={change.tone}>
            <data data-part="change" value={value}>
              {isPoints
                ? formats.points(value)
                : change.kind === "tenfold"
                  ? words.changes.tenfold
                  : formats.change(value)}
            </data>
            {/* Only what is worse is flagged in a word that is seen; colour alone says nothing to some. */}
            {change.tone !== "neutral" && (
              <span className={change.tone === "bad" ? "" : "sr-only"}>
                {change.tone === "bad" ? words.worse : words.better}
              </span>
            )}
          </Line>
          <Between kpi={kpi} {...change} comparison={comparison} covered={covered} />
        </>
      );
    }
  }
}

function Line({ icon: Icon, tone, children }: { icon: LucideIcon; tone: Tone; children: ReactNode }) {
  return (
    <p className={`flex items-center gap-1 font-medium ${INKS[tone]}`}>
      <Icon className="size-3.5" />
      {children}
    </p>
  );
}

interface BetweenProps {
  kpi: Kpi;
  before: number;
  now: number;
  comparison: Comparison | null;
  covered: boolean;
}

/**
 * If the value has gone on since the quarter of an hour with which the comparison ends, that is told, too; of what isn't
 * covered only that is told, since the line is short.
 */
function Between({ kpi, before, now, comparison, covered }: BetweenProps) {
  const { formats } = usePlace();
  const { kpi: words } = useTexts();
  const quantity = (value: number) => {
    const { text, exact } = formats.quantity(value, kpi);
    return kpi.unit === "count" ? exact : text;
  };
  const goneOn = covered && comparison !== null && now !== kpi.value;
  const from = words.from(quantity(before));
  return (
    <p className="text-muted">
      <data data-part="before" value={before} hidden />
      <data data-part="now" value={now} hidden />
      {goneOn
        ? words.fromToBy(quantity(before), quantity(now), formats.tick(comparison.current.to, "hour"))
        : covered
          ? from
          : words.incomplete(from)}
    </p>
  );
}
