// Asks whether a link's token of another organization or person replaces the one that is signed in.

import { useEffect, useId, useRef } from "react";
import { type Claims, claimsOf } from "../../api/claims";
import { useSession } from "../../api/session";
import { shownOrganization } from "../../api/sessionState";
import { useAllTexts } from "../../texts/useAllTexts";

/** The page stays behind it. Escape keeps who is signed in. */
export function SwitchQuestion({ offered }: { offered: string }) {
  const { claims, organization, acceptOffer, declineOffer } = useSession();
  const { entry } = useAllTexts();
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  const given = claimsOf(offered);
  const held = partyOf(claims, shownOrganization({ claims, organization }), entry.switch.unnamed);
  const other = partyOf(given, given?.own ?? given?.organizations[0] ?? null, entry.switch.unnamed);
  const [keep, take] = tellApart(held, other, entry.switch.unnamed);
  return (
    <dialog
      ref={dialog}
      role="alertdialog"
      aria-labelledby={id}
      aria-describedby={`${id}-why`}
      className="m-auto w-[calc(100%-2rem)] max-w-md rounded-2xl border border-line bg-raised p-6 text-ink shadow-float backdrop:bg-canvas/75"
      onCancel={(event) => {
        event.preventDefault();
        declineOffer();
      }}
    >
      <h2 id={id} className="text-lg font-semibold tracking-tight break-words">
        {entry.switch.title(take)}
      </h2>
      <p id={`${id}-why`} className="mt-2 break-words text-muted">
        {entry.switch.why(held, other)}
      </p>
      <div className="mt-6 flex flex-wrap justify-end gap-2 max-sm:*:grow max-sm:*:justify-center">
        <button type="button" className="control h-10" onClick={declineOffer}>
          <span className="max-w-48 truncate">{entry.switch.keep(keep)}</span>
        </button>
        <button type="button" className="primary h-10" onClick={acceptOffer}>
          <span className="max-w-48 truncate">{entry.switch.take(take)}</span>
        </button>
      </div>
    </dialog>
  );
}

/** An organization, and a person of it if the token names one. */
interface Party {
  organization: string;
  person: string | null;
}

function partyOf(claims: Claims | null, organization: string | null, unnamed: string): Party {
  return { organization: organization ?? unnamed, person: claims?.name ?? claims?.subject ?? null };
}

/** What tells the two apart: their organizations, or their persons if those are the same. */
function tellApart(held: Party, other: Party, unnamed: string): [string, string] {
  if (held.organization !== other.organization) return [held.organization, other.organization];
  return [held.person ?? unnamed, other.person ?? unnamed];
}
