// The link to a run in the customer's own system; nothing where the organization has set no address for it.

import { ExternalLink } from "lucide-react";
import type { Failure } from "../../api/answers";
import { useAllTexts } from "../../texts/useAllTexts";
import { useLinks } from "../../view/rowSettings";
import { runAddress } from "../../view/rowsLinks";

export function RunLink({ run }: { run: Pick<Failure, "executionId" | "workflowId"> }) {
  const { failures } = useAllTexts();
  const links = useLinks().data?.body;
  const address = links?.run == null ? null : runAddress(links.run, run, links.organizationId);
  if (address === null) return null;
  return (
    <a
      data-run-link=""
      href={address}
      target="_blank"
      rel="noreferrer"
      title={failures.opensAt(new URL(address).host)}
      className="inline-flex shrink-0 items-center gap-1 rounded-md px-1.5 py-0.5 text-xs font-medium text-accent hover:bg-surface hover:underline pointer-coarse:min-h-10 print:hidden"
    >
      <ExternalLink className="size-3.5" />
      {failures.open}
      <span className="sr-only"> {run.executionId}</span>
    </a>
  );
}
