// A link to this page with another view. It is a real link: it can be copied, and opened beside this one.

import type { MouseEvent, ReactNode } from "react";
import { useSession } from "../../api/session";
import { searchOf, type View } from "../../view/view";
import { usePlace } from "../../view/ViewContext";

interface ViewLinkProps {
  /** What is different in that view. */
  to: Partial<View>;
  /** Called when it is followed here. */
  onFollow?: () => void;
  /** Marks the link to what is shown already. */
  current?: boolean;
  title?: string;
  className?: string;
  children: ReactNode;
}

export function ViewLink(props: ViewLinkProps) {
  const { to, onFollow, current = false, title, className = "hover:underline", children } = props;
  const { view, change } = usePlace();
  const { organization } = useSession();
  const chosen = organization === null ? "" : `&organization=${encodeURIComponent(organization)}`;
  const follow = (event: MouseEvent) => {
    // With a key or another button it is opened elsewhere, which the browser does.
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    change(to);
    onFollow?.();
  };
  return (
    <a
      href={searchOf({ ...view, ...to }) + chosen}
      onClick={follow}
      aria-current={current || undefined}
      title={title}
      className={className}
    >
      {children}
    </a>
  );
}
