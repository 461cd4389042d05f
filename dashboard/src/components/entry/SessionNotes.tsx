// A note about the session above the numbers: it ends soon, or a link couldn't be followed as it was meant.

import { Building2, Clock, KeyRound, OctagonAlert } from "lucide-react";
import { usePageSettings } from "../../api/pageSettings";
import { useSession } from "../../api/session";
import type { SignInFailure } from "../../api/signIn";
import { useAllTexts } from "../../texts/useAllTexts";
import { usePlace } from "../../view/ViewContext";
import { Notice } from "../parts/Notice";
import { hostOf } from "./ProviderButton";

export function SessionNotes() {
  const { unmet, passedOver, ending, passage, dismiss } = useSession();
  const { sessionNotes: words } = useAllTexts();
  return (
    <>
      {passage?.kind === "failed" && <Failed failure={passage.failure} />}
      {ending && <Ending />}
      {unmet !== null && (
        <Notice tone="warning" icon={Building2} title={words.unmet.title(unmet)} onDismiss={dismiss}>
          {words.unmet.why}
        </Notice>
      )}
      {passedOver !== null && (
        <Notice tone="warning" icon={KeyRound} title={words.passedOver[passedOver]} onDismiss={dismiss}>
          {words.passedOver.why}
        </Notice>
      )}
    </>
  );
}

/** A sign-in failed though the session goes on. */
function Failed({ failure }: { failure: SignInFailure }) {
  const { dismiss } = useSession();
  const { entry } = useAllTexts();
  const signIn = usePageSettings().data?.signIn ?? null;
  const { title, why } = entry.failures[failure.kind](signIn === null ? "" : hostOf(signIn));
  return (
    <Notice tone="warning" icon={OctagonAlert} title={title} onDismiss={dismiss}>
      {why} {failure.detail !== null && entry.saidByProvider(failure.detail)}
    </Notice>
  );
}

function Ending() {
  const { claims, grant, enter } = useSession();
  const { sessionNotes: words } = useAllTexts();
  const { formats } = usePlace();
  const signIn = usePageSettings().data?.signIn ?? null;
  const end = claims?.expiresAt ?? null;
  if (end === null) return null;
  const title = words.endsAt(formats.dated(new Date(end)));
  if (grant === null || signIn === null) {
    return (
      <Notice tone="info" icon={Clock} title={title}>
        {words.endsForToken}
      </Notice>
    );
  }
  const now = (
    <button type="button" className="control print:hidden" onClick={enter}>
      {words.signInNow}
    </button>
  );
  return (
    <Notice tone="info" icon={Clock} title={title} action={now}>
      {words.endsForProvider(hostOf(signIn))}
    </Notice>
  );
}
