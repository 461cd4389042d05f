// A field for a token. What can be told about a token without the API is told at once.

import { type SubmitEvent, useId, useState } from "react";
import { claimsOf, hasExpired } from "../../api/claims";
import { serverNow } from "../../api/serverClock";
import { useSession } from "../../api/session";
import { trimmed } from "../../api/token";
import { useAllTexts } from "../../texts/useAllTexts";
import { usePlace } from "../../view/ViewContext";

/** `main`: it is what this page is for, so the field has the focus, and the button is the page's first. */
export function TokenForm({ main }: { main: boolean }) {
  const { signIn } = useSession();
  const { entry } = useAllTexts();
  const { formats } = usePlace();
  const id = useId();
  const [complaint, setComplaint] = useState<string | null>(null);
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget).get("token");
    const token = typeof given === "string" ? trimmed(given) : null;
    const claims = token === null ? null : claimsOf(token);
    if (token === null || claims === null) return setComplaint(entry.notAToken);
    if (claims.expiresAt !== null && hasExpired(claims, serverNow().getTime())) {
      return setComplaint(entry.tokenExpired(formats.dated(new Date(claims.expiresAt))));
    }
    setComplaint(null);
    signIn(token);
  };
  return (
    <form className="mt-5" onSubmit={submit} noValidate>
      <label htmlFor={id} className="text-sm font-medium">
        {entry.token}
      </label>
      <input
        ref={main ? focus : undefined}
        id={id}
        name="token"
        type="password"
        className="field mt-1.5 h-10 font-mono"
        placeholder="eyJ…"
        autoComplete="off"
        spellCheck={false}
        aria-invalid={complaint !== null}
        aria-describedby={`${id}-said`}
        onChange={() => setComplaint(null)}
      />
      {/* It keeps its place, so that the button doesn't move when something is said. */}
      <p id={`${id}-said`} className="mt-1.5 min-h-[2.6em] text-xs text-muted" aria-live="polite">
        {complaint === null ? entry.tokenHint : <span className="text-bad">{complaint}</span>}
      </p>
      <button type="submit" className={`mt-2 h-10 w-full justify-center ${main ? "primary" : "control"}`}>
        {entry.show}
      </button>
    </form>
  );
}

function focus(field: HTMLInputElement | null): void {
  field?.focus({ preventScroll: true });
}
