// A value that changes after what is drawn with it at once: a large drawing in two pieces keeps nobody waiting.

import { startTransition, useEffect, useState } from "react";

/** The value, once the caller has been drawn with it; until then the one before. What changes with it is drawn in small steps. */
export function useAfterwards<T>(value: T): T {
  const [after, setAfter] = useState(() => value);
  useEffect(() => startTransition(() => setAfter(() => value)), [value]);
  return after;
}
