// The server's clock, for components that show how time passes.

import { useEffect, useState } from "react";
import { serverNow } from "../api/serverClock";

const SECOND_MS = 1_000;

/** Now, in ms since 1970, by the server's clock; renders the caller again after each `pause`. */
export function useNow(pause = SECOND_MS): number {
  const [now, setNow] = useState(() => serverNow().getTime());
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow().getTime()), pause);
    return () => clearInterval(timer);
  }, [pause]);
  return now;
}
