// A panel that shows the answer to a question, or that it is loading, or why it was refused.

import { type ReactNode, useMemo } from "react";
import { serverTimeOf } from "../../api/serverClock";
import { useTexts } from "../../texts/TextsContext";
import { type Command, useCommands } from "../../view/commands";
import type { Asked } from "../../view/questions";
import { usePlace } from "../../view/ViewContext";
import { PanelMenu, PanelMenuPlace } from "../parts/PanelMenu";
import { PanelBoundary } from "./PanelBoundary";
import { PanelFrame } from "./PanelFrame";
import { PanelTrouble } from "./PanelTrouble";

interface PanelProps<Body> {
  /** Its name in the page, in every language: `trend`. */
  name: string;
  title: string;
  asked: Asked<Body>;
  /** Follows the title. */
  remark?: ReactNode;
  controls?: ReactNode;
  /** What can be done with the answer, in the panel's menu and in the page's command menu. Memoize it. */
  menu?: readonly Command[];
  /** As tall as the usual content, so that nothing moves when the answer arrives. */
  skeleton: ReactNode;
  className?: string;
  children: (body: Body) => ReactNode;
}

const NO_COMMANDS: readonly Command[] = [];

export function Panel<Body>(props: PanelProps<Body>) {
  const {
    name,
    title,
    asked,
    remark,
    controls,
    menu = NO_COMMANDS,
    skeleton,
    className = "",
    children,
  } = props;
  const { common } = useTexts();
  const { data, error, isPlaceholderData, dataUpdatedAt } = asked;
  const answered = data !== undefined;
  const commands = useMemo(
    () => (answered ? menu.map((command) => ({ ...command, label: `${title}: ${command.label}` })) : []),
    [answered, menu, title],
  );
  useCommands(commands);
  return (
    <PanelFrame
      name={name}
      title={title}
      className={className}
      // The controls are the same elements whatever is answered: they keep their place and the focus.
      controls={
        <div className="flex flex-wrap items-center gap-2">
          {controls}
          {answered ? (
            <PanelMenu label={common.more(title)} actions={menu} />
          ) : (
            menu.length > 0 && <PanelMenuPlace />
          )}
        </div>
      }
      busy={answered ? isPlaceholderData : error === null}
      remark={
        <>
          {remark}
          {answered && error !== null && <AsOf at={dataUpdatedAt} />}
        </>
      }
    >
      {answered ? (
        <div
          className={`flex min-h-0 min-w-0 grow flex-col transition-opacity ${isPlaceholderData ? "opacity-50" : ""}`}
        >
          <PanelBoundary>{children(data.body)}</PanelBoundary>
        </div>
      ) : error !== null ? (
        <PanelTrouble refusal={error} onRetry={() => void asked.refetch()} />
      ) : (
        skeleton
      )}
    </PanelFrame>
  );
}

/** Marks numbers that couldn't be refreshed. */
function AsOf({ at }: { at: number }) {
  const { formats } = usePlace();
  const { page } = useTexts();
  const time = formats.dated(new Date(serverTimeOf(at)));
  return <span className="text-xs text-warning">{page.trouble.from(time)}</span>;
}
