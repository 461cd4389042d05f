// The page for somebody who is signed in, but not for these numbers: what is missing, and whom to ask.

import { LockKeyhole } from "lucide-react";
import type { Refusal } from "../../api/refusal";
import { useSession } from "../../api/session";
import { useAllTexts } from "../../texts/useAllTexts";
import { AccessContact } from "./AccessContact";
import { Gate } from "./Gate";

/** `refusal` is the API's; without it the token itself shows that it names no organization. */
export function NoAccess({ refusal }: { refusal?: Refusal }) {
  const { claims, grant, organization, signOut } = useSession();
  const { entry } = useAllTexts();
  const { noAccess } = entry;
  const person = claims?.name ?? claims?.subject ?? null;
  const { title, why, missing } = wordsOf(noAccess, refusal, organization);
  const body = [person === null ? null : noAccess.account(person), missing, refusal?.detail].filter(
    (line) => line != null,
  );
  return (
    <Gate
      icon={LockKeyhole}
      title={title}
      foot={
        <>
          <AccessContact letter={{ subject: noAccess.subject, body: body.join("\n") }} />
          {refusal?.detail != null && <p lang="en">{refusal.detail}</p>}
        </>
      }
    >
      <p className="mt-1.5 text-muted">{why}</p>
      <dl className="mt-5 grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-2 rounded-xl border border-line bg-surface p-4 text-sm">
        {person !== null && (
          <>
            <dt className="text-muted">{noAccess.signedInAs}</dt>
            <dd className="font-medium break-words">{person}</dd>
          </>
        )}
        <dt className="text-muted">{noAccess.missing}</dt>
        <dd className="font-mono text-xs leading-5 break-words">{missing}</dd>
      </dl>
      <button type="button" className="control mt-5 h-10 w-full justify-center" onClick={signOut}>
        {grant === null ? noAccess.otherToken : noAccess.otherPerson}
      </button>
    </Gate>
  );
}

function wordsOf(
  words: ReturnType<typeof useAllTexts>["entry"]["noAccess"],
  refusal: Refusal | undefined,
  organization: string | null,
): { title: string; why: string; missing: string } {
  switch (refusal?.code ?? "") {
    case "other-organization":
      return { ...words.otherOrganization, missing: `organizations: ${organization ?? "…"}` };
    case "insufficient-scope":
      return { ...words.insufficientScope, missing: "scope: metrics:read" };
    default:
      return { ...words.noOrganization, missing: "organization_id, organizations" };
  }
}
