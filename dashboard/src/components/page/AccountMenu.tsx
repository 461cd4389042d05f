// The person's own menu: who is signed in, how the page looks, its language, and the way out.

import { CircleUserRound } from "lucide-react";
import { lazy } from "react";
import { useTexts } from "../../texts/TextsContext";
import { Float } from "../parts/Float";
import { Later } from "../parts/Later";

const AccountPanel = lazy(async () => ({ default: (await import("./AccountPanel")).AccountPanel }));

export function AccountMenu() {
  const { page } = useTexts();
  return (
    <Float
      label={page.account}
      align="end"
      className="w-64 p-4"
      trigger={
        <button
          type="button"
          title={page.account}
          className="grid size-9 shrink-0 place-items-center rounded-full text-muted hover:bg-sunken hover:text-ink data-[state=open]:bg-sunken pointer-coarse:size-10 print:hidden"
        >
          <CircleUserRound className="size-5" />
          <span className="sr-only">{page.account}</span>
        </button>
      }
    >
      <Later>
        <AccountPanel />
      </Later>
    </Float>
  );
}
