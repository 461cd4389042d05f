// The content of the person's own menu.

import { LogOut } from "lucide-react";
import { useSession } from "../../api/session";
import { useTexts } from "../../texts/TextsContext";
import { LanguageSwitch } from "../controls/LanguageSwitch";
import { ThemeSwitch } from "../controls/ThemeSwitch";

export function AccountPanel() {
  const { claims, signOut } = useSession();
  const { page } = useTexts();
  const name = claims?.name ?? null;
  return (
    <div className="space-y-3">
      {name !== null && <p className="text-sm font-medium wrap-anywhere">{page.signedInAs(name)}</p>}
      <ThemeSwitch />
      <LanguageSwitch />
      <button type="button" className="control w-full justify-center" onClick={() => signOut()}>
        <LogOut className="text-muted" />
        {page.signOut}
      </button>
    </div>
  );
}
