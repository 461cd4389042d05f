// The row of controls above the numbers: period, zone, comparison, live mode.

import type { ReactNode } from "react";
import { CompareSelect } from "./CompareSelect";
import { DateFilter } from "./DateFilter";
import { LiveSwitch } from "./LiveSwitch";
import { ZonePicker } from "./ZonePicker";

export function Toolbar({ comparing, freshness }: { comparing: boolean; freshness: ReactNode }) {
  return (
    <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
      <div className="flex flex-wrap items-center gap-2 print:hidden">
        <DateFilter />
        {comparing && <CompareSelect />}
        <ZonePicker />
      </div>
      <div className="flex grow flex-wrap items-center gap-2 sm:justify-end">
        {freshness}
        <span className="print:hidden">
          <LiveSwitch />
        </span>
      </div>
    </div>
  );
}
