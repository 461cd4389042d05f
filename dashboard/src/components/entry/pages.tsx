// The pages that are shown instead of numbers, as a piece that is loaded when one is wanted.

import { type ComponentProps, lazy } from "react";
import { useTexts } from "../../texts/TextsContext";
import { Later } from "../parts/Later";
import { Passing } from "./Passing";

const load = () => import("./allPages");
const PAGES = {
  choice: lazy(async () => ({ default: (await load()).ChooseOrganization })),
  noAccess: lazy(async () => ({ default: (await load()).NoAccess })),
  signIn: lazy(async () => ({ default: (await load()).SignIn })),
  question: lazy(async () => ({ default: (await load()).SwitchQuestion })),
} as const;

export function ChooseOrganization() {
  return <Later waiting={<Waiting />}>{<PAGES.choice />}</Later>;
}

export function NoAccess(props: ComponentProps<typeof PAGES.noAccess>) {
  return <Later waiting={<Waiting />}>{<PAGES.noAccess {...props} />}</Later>;
}

export function SignIn(props: ComponentProps<typeof PAGES.signIn>) {
  return <Later waiting={<Waiting />}>{<PAGES.signIn {...props} />}</Later>;
}

/** Stands over the page, which shows what it showed until the question is there. */
export function SwitchQuestion(props: ComponentProps<typeof PAGES.question>) {
  return <Later waiting={<></>}>{<PAGES.question {...props} />}</Later>;
}

function Waiting() {
  const { controls } = useTexts();
  return <Passing words={controls.loading} />;
}
