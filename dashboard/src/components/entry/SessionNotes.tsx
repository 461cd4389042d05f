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
  const { session } = useAllTexts();
  return (
    <>
      {passage?.kind === "failed" && <Failed failure={passage.failure} />}
      {ending && <Ending />}
      {unmet !== null && (
        <Notice tone="warning" icon={Building2} title={session.unmet.title(unmet)} onDismiss={dismiss}>
          {session.unmet.why}
        </Notice>
      )}
      {passedOver !== null && (
        <Notice tone="warning" icon={KeyRound} title={session.passedOver[passedOver]} onDismiss={dismiss}>
          {session.passedOver.why}
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
  const { session } = useAllTexts();
  const { formats } = usePlace();
  const signIn = usePageSettings().data?.signIn ?? null;
  const end = claims?.expiresAt ?? null;
  if (end === null) return null;
  const title = session.endsAt(formats.dated(new Date(end)));
  if (grant === null || signIn === null) {
    return (
      <Notice tone="info" icon={Clock} title={title}>
        {session.endsForToken}
      </Notice>
    );
  }
  const now = (
    <button type="button" className="control print:hidden" onClick={enter}>
      {session.signInNow}
    </button>
  );
  return (
    <Notice tone="info" icon={Clock} title={title} action={now}>
      {session.endsForProvider(hostOf(signIn))}
    </Notice>
  );
}
