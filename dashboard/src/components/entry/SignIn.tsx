// The sign-in page: paste a token. `refusal` says why the last token was refused.

import { type SubmitEvent, useId } from "react";
import type { Refusal } from "../../api/refusal";
import { useSession } from "../../api/session";
import { trimmed } from "../../api/token";
import { Notice } from "../parts/Notice";
import { Gate } from "./Gate";

export function SignIn({ refusal }: { refusal?: Refusal }) {
  const { signIn } = useSession();
  const id = useId();
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const token = trimmed(String(new FormData(event.currentTarget).get("token")));
    if (token !== null) signIn(token);
  };
  return (
    <Gate icon="key" title="Business metrics">
      <p className="mt-1 text-sm text-muted">
        Orders, payments, workflows and messages of your organization, as they happen.
      </p>
      {refusal !== undefined && (
        <div className="mt-4">
          <Notice tone="bad" icon="octagon" title="That token isn’t accepted.">
            It may have expired, or be meant for another system.
          </Notice>
        </div>
      )}
      <form className="mt-5" onSubmit={submit}>
        <label htmlFor={id} className="text-sm font-medium">
          Access token
        </label>
        <input
          id={id}
          name="token"
          type="password"
          className="field mt-1.5 font-mono"
          placeholder="eyJ…"
          autoComplete="off"
          spellCheck={false}
          required
          autoFocus
        />
        <button
          type="submit"
          className="mt-3 h-10 w-full rounded-lg bg-accent text-sm font-semibold text-on-accent hover:opacity-90"
        >
          Show the metrics
        </button>
      </form>
      <p className="mt-4 text-xs text-muted">
        The token stays in this tab and is forgotten when you close it. A link that ends in{" "}
        <code className="font-mono">#token=…</code> works as well.
      </p>
    </Gate>
  );
}
