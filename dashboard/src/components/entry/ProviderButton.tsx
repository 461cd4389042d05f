// The button that leads to the provider, or to its answer once more.

import { LogIn } from "lucide-react";
import type { SignInSettings } from "../../api/pageSettings";
import { useSession } from "../../api/session";
import { useAllTexts } from "../../texts/useAllTexts";

export function ProviderButton({ settings }: { settings: SignInSettings }) {
  const { enter } = useSession();
  const { entry } = useAllTexts();
  return (
    <button type="button" className="primary mt-6 h-11 w-full justify-center" onClick={enter}>
      <LogIn />
      {entry.signInAt(hostOf(settings))}
    </button>
  );
}

/** The provider, as people know it. */
export function hostOf({ issuer }: SignInSettings): string {
  return URL.canParse(issuer) ? new URL(issuer).host : issuer;
}
