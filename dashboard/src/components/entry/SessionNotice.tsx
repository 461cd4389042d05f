// A note about the session above the numbers. There is none most of the time, so what draws it is loaded when there is.

import { lazy } from "react";
import { useSession } from "../../api/session";
import { Later } from "../parts/Later";

const SessionNotes = lazy(async () => ({ default: (await import("./SessionNotes")).SessionNotes }));

export function SessionNotice() {
  const { unmet, passedOver, ending, passage } = useSession();
  const isThere = ending || unmet !== null || passedOver !== null || passage?.kind === "failed";
  return isThere ? (
    <Later waiting={<></>}>
      <SessionNotes />
    </Later>
  ) : null;
}
