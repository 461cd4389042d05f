// The page of whoever is signed in, for an organization; or what comes before it.

import type { ReactNode } from "react";
import { useSession } from "../../api/session";
import { mustChoose } from "../../api/sessionState";
import { useTexts } from "../../texts/TextsContext";
import { ChooseOrganization, NoAccess, SignIn, SwitchQuestion } from "./pages";
import { Passing } from "./Passing";

export function Entry({ children }: { children: ReactNode }) {
  const { token, claims, organization, passage, offered } = useSession();
  const { session } = useTexts();
  if (passage?.kind === "leaving") return <Passing words={session.leaving} />;
  if (passage?.kind === "returning") return <Passing words={session.returning} />;
  if (token === null) return <SignIn />;
  return (
    <>
      {claims?.organizations.length === 0 ? (
        <NoAccess />
      ) : mustChoose({ claims, organization }) ? (
        <ChooseOrganization />
      ) : (
        children
      )}
      {offered !== null && <SwitchQuestion key={offered} offered={offered} />}
    </>
  );
}
