// The row of controls above the numbers: period, comparison, zone, live mode, refreshing, sharing.

import { RefreshCw, SlidersHorizontal } from "lucide-react";
import { type ReactNode, useMemo } from "react";
import type { Comparison, Range } from "../../api/answers";
import { serverNow } from "../../api/serverClock";
import { useTexts } from "../../texts/TextsContext";
import { useCommands } from "../../view/commands";
import { Float } from "../parts/Float";
import { useMedia, WIDE } from "../parts/useMedia";
import { CompareSelect } from "./CompareSelect";
import { LiveSwitch } from "./LiveSwitch";
import { RangePicker } from "./RangePicker";
import { ZonePicker } from "./ZonePicker";

interface ToolbarProps {
  /** The range of the answer; null before it. */
  shown: Range | null;
  /** What the answer compares; null before the first, or if it compares nothing. */
  comparison: Comparison | null;
  fetching: boolean;
  onRefresh: () => void;
  /** Buttons that take the numbers elsewhere. */
  share: ReactNode;
}

export function Toolbar({ shown, comparison, fetching, onRefresh, share }: ToolbarProps) {
  const wide = useMedia(WIDE);
  return (
    <div className="flex items-center justify-between gap-2 lg:flex-wrap print:hidden">
      <div className="flex min-w-0 items-center gap-2">
        <RangePicker now={serverNow} shown={shown} />
        {wide && (
          <>
            <CompareSelect comparison={comparison} range={shown} />
            <ZonePicker />
          </>
        )}
      </div>
      <div className="flex shrink-0 items-center gap-2">
        {wide ? (
          <>
            <LiveSwitch />
            <Refresh fetching={fetching} onRefresh={onRefresh} />
            {share}
          </>
        ) : (
          <>
            <Refresh fetching={fetching} onRefresh={onRefresh} />
            <Options>
              <CompareSelect comparison={comparison} range={shown} />
              <ZonePicker />
              <LiveSwitch />
              {share}
            </Options>
          </>
        )}
      </div>
    </div>
  );
}

function Refresh({ fetching, onRefresh }: { fetching: boolean; onRefresh: () => void }) {
  const { page } = useTexts();
  const commands = useMemo(
    () => [{ id: "page.refresh", label: page.refresh, keys: ".", icon: RefreshCw, run: onRefresh }],
    [page, onRefresh],
  );
  useCommands(commands);
  return (
    <button
      type="button"
      className="control px-2"
      title={page.refresh}
      onClick={onRefresh}
      aria-disabled={fetching}
    >
      <RefreshCw className={`text-muted ${fetching ? "animate-spin" : ""}`} />
      <span className="sr-only">{page.refresh}</span>
    </button>
  );
}

/** What a narrow screen has no room for, behind one button. */
function Options({ children }: { children: ReactNode }) {
  const { page } = useTexts();
  return (
    <Float
      label={page.options}
      align="end"
      className="flex w-80 flex-col gap-2 p-3"
      trigger={
        <button type="button" className="control px-2" title={page.options}>
          <SlidersHorizontal className="text-muted" />
          <span className="max-[22rem]:sr-only">{page.options}</span>
        </button>
      }
    >
      {children}
    </Float>
  );
}
