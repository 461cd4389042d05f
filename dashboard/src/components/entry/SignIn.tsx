// The signed-out page: sign in at the provider, or by a token. `refusal` says that the last token was refused.

import { ChevronDown, Clock, KeyRound, type LucideIcon, OctagonAlert } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { usePageSettings } from "../../api/pageSettings";
import type { Refusal } from "../../api/refusal";
import { useSession } from "../../api/session";
import { useAllTexts } from "../../texts/useAllTexts";
import { Notice } from "../parts/Notice";
import { AccessContact } from "./AccessContact";
import { Gate } from "./Gate";
import { Passing } from "./Passing";
import { hostOf, ProviderButton } from "./ProviderButton";
import { TokenForm } from "./TokenForm";

export function SignIn({ refusal }: { refusal?: Refusal }) {
  const { entry, session } = useAllTexts();
  const renews = useRenewal(refusal);
  const { data: settings, isPending } = usePageSettings();
  if (renews) return <Passing words={session.returning} />;
  const provider = settings?.signIn ?? null;
  return (
    <Gate
      icon={KeyRound}
      title={entry.title}
      foot={
        <>
          <p>{provider === null ? entry.tokenStays : entry.signInStays}</p>
          <AccessContact />
        </>
      }
    >
      <p className="mt-1.5 text-muted lg:hidden">{entry.about}</p>
      <Trouble refusal={refusal} host={provider === null ? null : hostOf(provider)} />
      {isPending ? (
        <div className="skeleton mt-6 h-11" aria-busy="true" />
      ) : provider === null ? (
        <TokenForm main />
      ) : (
        <>
          <ProviderButton settings={provider} />
          <details className="group mt-5">
            <summary className="flex w-fit items-center gap-1.5 text-sm text-muted hover:text-ink">
              {entry.useToken}
              <ChevronDown className="transition-transform group-open:rotate-180" />
            </summary>
            <TokenForm main={false} />
          </details>
        </>
      )}
    </Gate>
  );
}

/**
 * Whether a new token is on its way, or is being tried. A refused one is renewed once, if the provider has given a refresh
 * token: the computer may have slept through the time for it.
 */
function useRenewal(refusal: Refusal | undefined): boolean {
  const { grant, token, renew } = useSession();
  const [refused, setRefused] = useState({ refusal, token });
  const [renewedFor, setRenewedFor] = useState<Refusal | null>(null);
  if (refused.refusal !== refusal) setRefused({ refusal, token });
  const mayRenew = grant !== null && grant.refreshToken !== null;
  const renews = refusal !== undefined && mayRenew && renewedFor !== refusal;
  useEffect(() => {
    if (renews) void renew().then(() => setRenewedFor(refusal));
  }, [renews, renew, refusal]);
  const isTried = refusal !== undefined && refused.refusal === refusal && refused.token !== token;
  return renews || isTried;
}

/** Why the page is shown, if nobody has asked for it. */
function Trouble({ refusal, host }: { refusal: Refusal | undefined; host: string | null }) {
  const { passage, grant, claims } = useSession();
  const { entry } = useAllTexts();
  if (passage?.kind === "failed") {
    const { kind, detail } = passage.failure;
    const { title, why } = entry.failures[kind](host ?? "");
    return (
      <Said icon={OctagonAlert} title={title}>
        {why} {detail !== null && <span className="break-words">{entry.saidByProvider(detail)}</span>}
      </Said>
    );
  }
  if (refusal === undefined) return null;
  if (grant !== null && claims !== null) {
    return (
      <Said icon={Clock} title={entry.ended.title}>
        {entry.ended.why}
      </Said>
    );
  }
  return (
    <Said icon={OctagonAlert} title={entry.refused.title}>
      {entry.refused.why}
    </Said>
  );
}

function Said({ icon, title, children }: { icon: LucideIcon; title: string; children: ReactNode }) {
  return (
    <div className="mt-5">
      <Notice tone={icon === Clock ? "info" : "bad"} icon={icon} title={title}>
        {children}
      </Notice>
    </div>
  );
}
