// What can be done with the chart: its numbers as a file or a table, its picture, and back out of a zoom.

import { ChartColumn, ImageDown, Table2, ZoomOut } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import { useTexts } from "../../texts/TextsContext";
import type { Command } from "../../view/commands";
import { useCsvCommand } from "../../view/rowsCsv";
import { isEmpty } from "../../view/trendPoints";
import type { Shape } from "./TrendControls";
import type { Trend } from "./useTrend";

interface TrendActions {
  trend: Trend | null;
  percentiles: boolean;
  shape: Shape;
  onShape: (shape: Shape) => void;
  zoomOut: (() => void) | null;
}

interface TrendMenu {
  menu: readonly Command[];
  /** What there is to say about the last file; null if all went well. */
  remark: string | null;
}

export function useTrendMenu({ trend, percentiles, shape, onShape, zoomOut }: TrendActions): TrendMenu {
  const { trend: texts, rows } = useTexts();
  const [failed, setFailed] = useState(false);
  const workflow = trend?.workflow?.workflowId;
  const csv = useCsvCommand(
    {
      ...{ id: "trend.csv", keys: "C", label: rows.csv.save, file: "trend" },
      ...{ path: "/metrics/trends", query: { workflow } },
    },
    trend,
  );
  const savePicture = useCallback(async () => {
    if (trend === null) return;
    try {
      const picture = await import("./picture");
      await picture.savePicture(trend, percentiles);
      setFailed(false);
    } catch {
      setFailed(true);
    }
  }, [trend, percentiles]);
  const drawable = trend !== null && !isEmpty(trend.points, trend.metric);
  const menu = useMemo(() => {
    const commands: Command[] = [csv.command];
    if (drawable) {
      const run = () => void savePicture();
      commands.push({ id: "trend.picture", label: texts.savePicture, keys: "G", icon: ImageDown, run });
    }
    const [other, label, icon] =
      shape === "chart"
        ? (["table", texts.showTable, Table2] as const)
        : (["chart", texts.showChart, ChartColumn] as const);
    commands.push({ id: "trend.shape", label, keys: "T", icon, run: () => onShape(other) });
    if (zoomOut !== null) {
      commands.push({ id: "trend.zoomOut", label: texts.zoomOut, keys: "Z", icon: ZoomOut, run: zoomOut });
    }
    return commands;
  }, [csv.command, drawable, savePicture, shape, onShape, zoomOut, texts]);
  return { menu, remark: failed ? texts.pictureFailed : csv.remark };
}
