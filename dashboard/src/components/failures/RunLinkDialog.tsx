// Sets how a run is linked to in the customer's own system. Loaded when it is opened.

import { type FormEvent, useId, useState } from "react";
import type { Links } from "business-metrics-client";
import type { Failure } from "../../api/answers";
import type { Answer } from "../../api/ask";
import { useAllTexts } from "../../texts/useAllTexts";
import { type Unchanged, useLinks, useLinksChange } from "../../view/rowSettings";
import { complaintAbout, type LinkComplaint, PLACEHOLDERS, runAddress } from "../../view/rowsLinks";
import { usePlace } from "../../view/ViewContext";
import { PanelTrouble } from "../panel/PanelTrouble";
import { Dialog } from "../parts/Dialog";

type Example = Pick<Failure, "executionId" | "workflowId"> | null;

interface RunLinkDialogProps {
  /** A run that the address is tried with. */
  example: Example;
  onClose: () => void;
}

export default function RunLinkDialog({ example, onClose }: RunLinkDialogProps) {
  const { failures } = useAllTexts();
  const links = useLinks();
  return (
    <Dialog title={failures.link.title} onClose={onClose}>
      {(close) => {
        if (links.data !== undefined) return <Form kept={links.data} example={example} close={close} />;
        if (links.error !== null) {
          return <PanelTrouble refusal={links.error} onRetry={() => void links.refetch()} />;
        }
        return <div className="skeleton h-48" />;
      }}
    </Dialog>
  );
}

interface FormProps {
  /** As it is kept now. */
  kept: Answer<Links>;
  example: Example;
  close: () => void;
}

function Form({ kept, example, close }: FormProps) {
  const { failures } = useAllTexts();
  const { link } = failures;
  // As it was when the dialog was opened: what is saved replaces this, and nothing newer.
  const [base] = useState(kept);
  const [typed, setTyped] = useState(base.body.run ?? "");
  const [complaint, setComplaint] = useState<LinkComplaint | null>(null);
  const changing = useLinksChange();
  const why = changing.error?.why ?? null;
  const ids = { field: useId(), hint: useId(), wrong: useId() };
  const save = (run: string | null, etag: string | null) => {
    const wrong = run === null ? null : complaintAbout(run);
    setComplaint(wrong);
    if (wrong === null) changing.mutate({ document: { run }, etag }, { onSuccess: close });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save(typed.trim(), base.etag);
  };
  const wrong = complaint === null ? wordsOf(why, link) : link.complaints[complaint];
  return (
    <form onSubmit={submit} noValidate>
      <p className="text-sm text-muted">{link.why}</p>
      <label htmlFor={ids.field} className="mt-4 block text-sm font-medium">
        {link.address}
      </label>
      <input
        id={ids.field}
        className="field mt-1 font-mono text-xs"
        type="url"
        inputMode="url"
        autoComplete="off"
        spellCheck={false}
        placeholder="https://runs.example.com/{workflowId}/{executionId}"
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        aria-invalid={wrong !== null}
        aria-describedby={`${ids.wrong} ${ids.hint}`}
      />
      <p id={ids.wrong} role="alert" className="mt-1 min-h-5 text-sm text-bad">
        {wrong}
      </p>
      <div id={ids.hint} className="text-xs text-muted">
        <p>{link.placeholders}</p>
        <ul className="mt-1 flex flex-wrap gap-x-4 gap-y-1">
          {PLACEHOLDERS.map((name) => (
            <li key={name}>
              <code className="font-mono text-ink">{`{${name}}`}</code> {link.names[name]}
            </li>
          ))}
        </ul>
      </div>
      <Preview template={typed.trim()} example={example} organizationId={base.body.organizationId} />
      {why?.kind === "meanwhile" && (
        <div role="alert" className="mt-3 rounded-lg bg-warning-tint p-3 text-sm">
          <p>{link.meanwhile}</p>
          <p className="mt-1 font-mono text-xs wrap-anywhere">{kept.body.run ?? link.none}</p>
          <button type="button" className="control mt-2" onClick={() => save(typed.trim(), kept.etag)}>
            {link.saveMine}
          </button>
        </div>
      )}
      <div className="mt-5 flex flex-wrap items-center gap-2">
        <button type="submit" className="control" disabled={changing.isPending}>
          {changing.isPending ? link.saving : link.save}
        </button>
        {base.body.run !== null && (
          <button
            type="button"
            className="control"
            disabled={changing.isPending}
            onClick={() => save(null, base.etag)}
          >
            {link.remove}
          </button>
        )}
        <SetBy links={base.body} />
      </div>
    </form>
  );
}

/** Why it wasn't saved; null if it was, or if there is more to say than a line. */
function wordsOf(
  why: Unchanged | null,
  link: ReturnType<typeof useAllTexts>["failures"]["link"],
): string | null {
  switch (why?.kind) {
    case undefined:
    case "meanwhile":
      return null;
    case "document":
      return link.refused(why.detail);
    case "refused":
      return link.refused(why.refusal.detail);
  }
}

interface PreviewProps {
  template: string;
  example: Example;
  organizationId: string;
}

/** The link to a run that is shown, as it would be. */
function Preview({ template, example, organizationId }: PreviewProps) {
  const { failures } = useAllTexts();
  const address = example === null ? null : runAddress(template, example, organizationId);
  return (
    <p className="mt-3 min-h-10 text-xs text-muted">
      {address !== null && (
        <>
          {failures.link.preview}:{" "}
          <a
            href={address}
            target="_blank"
            rel="noreferrer"
            className="font-mono wrap-anywhere text-accent hover:underline"
          >
            {address}
          </a>
        </>
      )}
    </p>
  );
}

function SetBy({ links: { updatedAt, updatedBy } }: { links: Links }) {
  const { formats } = usePlace();
  const { failures } = useAllTexts();
  if (updatedAt === null) return null;
  return (
    <p className="ml-auto text-xs text-muted">
      {failures.link.changed(formats.exactly(updatedAt), updatedBy)}
    </p>
  );
}
