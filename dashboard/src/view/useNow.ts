// The clock, for components that show how time passes.

import { useEffect, useState } from "react";

const SECOND_MS = 1_000;

/** Now, in ms since 1970; renders the caller again each second. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), SECOND_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}
