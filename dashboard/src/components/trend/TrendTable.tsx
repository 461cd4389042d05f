// The trend chart's numbers as a table: those of the range, and those of the period before.

import type { ReactNode } from "react";
import { useAllTexts } from "../../texts/useAllTexts";
import { type Measured, totalOf } from "../../view/chartOfMetric";
import { opensBuckets, type Selection } from "../../view/chartOfSelection";
import { capital, counterIn, nounIn, valueIn } from "../../view/chartOfWords";
import { namedIn } from "../../view/comparing";
import { uncoveredIn } from "../../view/records";
import { Scroll } from "../parts/Scroll";
import { ThresholdsButton } from "../thresholds/ThresholdsButton";
import type { Trend } from "./useTrend";

interface Column {
  id: string;
  head: string;
  cell: (measured: Measured) => ReactNode;
}

interface TrendTableProps {
  trend: Trend;
  onZoom: (selection: Selection) => void;
}

export function TrendTable({ trend, onZoom }: TrendTableProps) {
  const { points, metric, range, comparison, uncovered, name, kpi, speech } = trend;
  const { trend: words } = speech.texts;
  const { chart } = useAllTexts();
  const opens = opensBuckets(range);
  const columns = columnsOf(trend);
  // Percentiles of the period before aren't drawn either.
  const columnsBefore = columns.filter(
    ({ id }) => !metric.percentiles.some((percentile) => percentile.name === id),
  );
  const before = points.flatMap((point) => point.before ?? []);
  const compared = comparison !== null && before.length > 0;
  const [now, then] = [totalOf(points, metric), totalOf(before, metric)];
  return (
    <div className="flex h-88 flex-col lg:h-96 print:h-auto">
      {trend.limits.length > 0 && (
        <div className="-ml-1.5 pb-1 empty:hidden">
          <ThresholdsButton kpi={kpi.key} quiet />
        </div>
      )}
      <Scroll label={words.slider(name)}>
        <table className="w-full text-right text-sm">
          <thead className="sticky top-0 bg-surface text-xs text-muted">
            {compared && (
              <tr className="*:pt-1 *:pl-4 *:font-medium *:whitespace-nowrap">
                <td />
                <th scope="colgroup" colSpan={columns.length}>
                  {words.now}
                </th>
                <th scope="colgroup" colSpan={columnsBefore.length}>
                  {words.compared[namedIn(comparison)]}
                  {": "}
                  {speech.formats.range({ ...comparison.previous, granularity: range.granularity })}
                  {uncovered !== null && (
                    <span className="block font-normal whitespace-normal">
                      {uncoveredIn(speech.texts, speech.formats, uncovered)}
                    </span>
                  )}
                </th>
              </tr>
            )}
            <tr className="*:border-b *:border-line *:py-2 *:pl-4 *:align-bottom *:font-medium">
              <th scope="col" className="pl-0! text-left">
                {words.widths[range.granularity]}
              </th>
              {columns.map(({ id, head }) => (
                <th key={id} scope="col">
                  {head}
                </th>
              ))}
              {compared &&
                columnsBefore.map(({ id, head }) => (
                  <th key={id} scope="col">
                    {head}
                  </th>
                ))}
            </tr>
          </thead>
          <tbody>
            {points.map((point, index) => (
              <tr
                key={point.from}
                className="*:border-b *:border-line *:py-1.5 *:pl-4 print:break-inside-avoid"
              >
                <th scope="row" className="pl-0! text-left font-normal whitespace-nowrap">
                  <RowName
                    title={chart.hours}
                    onOpen={opens ? () => onZoom({ anchor: index, head: index }) : null}
                  >
                    <time dateTime={point.from}>{speech.formats.bucket(point.from, range.granularity)}</time>
                  </RowName>
                  {point.open && <span className="text-muted"> · {words.open}</span>}
                </th>
                {columns.map(({ id, cell }) => (
                  <td key={id}>{cell(point)}</td>
                ))}
                {compared &&
                  columnsBefore.map(({ id, cell }) => (
                    <td key={id} className="text-muted">
                      {point.before && cell(point.before)}
                    </td>
                  ))}
              </tr>
            ))}
          </tbody>
          <tfoot className="sticky bottom-0 bg-surface font-medium">
            <tr className="*:border-t *:border-line-strong *:py-2 *:pl-4">
              <th scope="row" className="pl-0! text-left font-medium">
                {words.total}
              </th>
              {columns.map(({ id, cell }) => (
                <td key={id}>
                  {id === kpi.key ? (
                    <data data-total={id} value={now.value ?? ""}>
                      {cell(now)}
                    </data>
                  ) : (
                    cell(now)
                  )}
                </td>
              ))}
              {compared &&
                columnsBefore.map(({ id, cell }) => (
                  <td key={id} className="text-muted">
                    {cell(then)}
                  </td>
                ))}
            </tr>
          </tfoot>
        </table>
      </Scroll>
    </div>
  );
}

/** The bucket's time; a button where the bucket can be opened. */
function RowName({ title, onOpen, children }: RowNameProps) {
  if (onOpen === null) return children;
  return (
    <button
      type="button"
      title={title}
      onClick={onOpen}
      className="rounded-sm underline decoration-line-strong underline-offset-3 hover:decoration-current pointer-coarse:min-h-10"
    >
      {children}
    </button>
  );
}

interface RowNameProps {
  title: string;
  onOpen: (() => void) | null;
  children: ReactNode;
}

/** The metric, the counters it is made of, and its percentiles. */
function columnsOf({ metric, name, speech }: Trend): Column[] {
  const { texts, formats } = speech;
  const { numerator, denominator } = metric.base;
  const counted = (count: number | null) => count !== null && formats.count(count);
  const columns: Column[] = [
    // No value is no base, which the counter beside it says.
    {
      id: metric.key,
      head: name,
      cell: ({ value }) => (value === null ? "–" : valueIn(speech, value, metric)),
    },
  ];
  if (metric.isShare) {
    columns.push({ id: numerator, head: counterIn(texts, numerator), cell: ({ part }) => counted(part) });
  }
  if (denominator !== null) {
    columns.push({
      id: denominator,
      head: capital(nounIn(texts, metric)),
      cell: ({ whole }) => counted(whole),
    });
  }
  const percentiles = metric.percentiles.map((percentile, index): Column => {
    const cell = ({ percentiles: all }: Measured) => {
      const value = all[index] ?? null;
      return value !== null && formats.rounded(value);
    };
    return { id: percentile.name, head: texts.trend.percentile(percentile.label), cell };
  });
  return [...columns, ...percentiles];
}
