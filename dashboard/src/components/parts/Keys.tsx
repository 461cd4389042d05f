// The keys that run a command, beside its name: G, or Shift and G. Nothing where they do nothing, or where there is no keyboard.
//
// They are a picture. What they belong to says them by `aria-keyshortcuts`, so that they aren't part of its name.

import { keyNames } from "../../view/keyNames";
import { useSingleKeys } from "../../view/singleKeys";

export function Keys({ keys, className = "" }: { keys: string; className?: string }) {
  const [on] = useSingleKeys();
  if (!on) return null;
  return (
    <span
      aria-hidden="true"
      className={`inline-flex shrink-0 items-center gap-1 pointer-coarse:hidden ${className}`}
    >
      {keyNames(keys).map((name, index) => (
        <kbd
          key={index}
          className="rounded border border-line-strong px-1 font-sans text-xs leading-4 text-muted"
        >
          {name}
        </kbd>
      ))}
    </span>
  );
}
