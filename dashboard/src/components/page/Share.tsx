// The buttons that take the numbers elsewhere.

import { useTexts } from "../../texts/TextsContext";
import { PanelMenu } from "../parts/PanelMenu";
import { CopyLink } from "./CopyLink";
import type { Sharing } from "./useSharing";

export function Share({ sharing }: { sharing: Sharing }) {
  const { page } = useTexts();
  return (
    <div className="flex items-center gap-1">
      <CopyLink sharing={sharing} />
      <PanelMenu label={page.share} actions={sharing.others} />
    </div>
  );
}
