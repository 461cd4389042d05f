// The page for a token of several organizations of which none is chosen yet.

import { Building2, ChevronRight } from "lucide-react";
import { useState } from "react";
import { useSession } from "../../api/session";
import { useAllTexts } from "../../texts/useAllTexts";
import { Gate } from "./Gate";

/** From this many on there is a field to find one. */
const MANY = 9;

export function ChooseOrganization() {
  const { claims, unmet, chooseOrganization, signOut } = useSession();
  const { entry, page } = useAllTexts();
  const [sought, setSought] = useState("");
  const all = claims?.organizations ?? [];
  const found = all.filter((id) => id.toLowerCase().includes(sought.trim().toLowerCase()));
  return (
    <Gate
      icon={Building2}
      title={entry.choose.title}
      foot={
        <button type="button" className="underline underline-offset-2 hover:text-ink" onClick={signOut}>
          {page.signOut}
        </button>
      }
    >
      <p className="mt-1.5 text-muted">{unmet === null ? entry.choose.why : entry.choose.unmet(unmet)}</p>
      {all.length >= MANY && (
        <input
          type="search"
          className="field mt-5 h-10"
          aria-label={entry.choose.find}
          placeholder={entry.choose.find}
          value={sought}
          onChange={(event) => setSought(event.target.value)}
        />
      )}
      <ul className="mt-5 max-h-96 space-y-2 overflow-y-auto">
        {found.map((id) => (
          <li key={id}>
            <button
              type="button"
              className="control h-11 w-full justify-between"
              onClick={() => chooseOrganization(id)}
            >
              <span className="truncate">{id}</span>
              <ChevronRight className="text-muted" />
            </button>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="text-sm text-muted">{entry.choose.none}</p>}
    </Gate>
  );
}
