// The buttons that take the numbers elsewhere: behind one button where there is no room, each with its words where there is.

import { useTexts } from "../../texts/TextsContext";
import { PanelMenu } from "../parts/PanelMenu";
import { useMedia, WIDE } from "../parts/useMedia";
import { CopyLink } from "./CopyLink";
import type { Sharing } from "./useSharing";

export function Share({ sharing }: { sharing: Sharing }) {
  const { page } = useTexts();
  const inBar = useMedia(WIDE);
  if (!inBar) {
    return (
      <>
        <CopyLink sharing={sharing} />
        {sharing.others.map(({ id, label, icon: Icon, run }) => (
          <button key={id} type="button" className="control" onClick={run}>
            {Icon !== undefined && <Icon className="text-muted" />}
            {label}
          </button>
        ))}
      </>
    );
  }
  return (
    <div className="flex items-center gap-1">
      <CopyLink sharing={sharing} />
      <PanelMenu label={page.share} actions={sharing.others} />
    </div>
  );
}
