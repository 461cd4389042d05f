// The page for a valid token that names no organization.

import { useSession } from "../../api/session";
import { Gate } from "./Gate";

export function NoAccess() {
  const { signOut } = useSession();
  return (
    <Gate icon="lock" title="No access">
      <p className="mt-2 text-sm text-muted">
        The token is valid, but it doesn’t name an organization whose metrics you may see. Ask whoever gave it
        to you for one with the claim <code className="font-mono text-ink">organization_id</code>.
      </p>
      <button type="button" className="control mt-5 h-10 w-full justify-center" onClick={signOut}>
        Use another token
      </button>
    </Gate>
  );
}
