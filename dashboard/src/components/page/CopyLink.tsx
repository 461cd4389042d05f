// Copies a link that shows everyone the numbers that are on the page.

import { Check, Link } from "lucide-react";
import { useTexts } from "../../texts/TextsContext";
import { Float } from "../parts/Float";
import type { Sharing } from "./useSharing";

export function CopyLink({ sharing }: { sharing: Sharing }) {
  const { page } = useTexts();
  const { copyLink, copied, refused, dismiss } = sharing;
  const button = (
    <button
      type="button"
      className="control grow"
      title={page.copyLinkWhy}
      disabled={copyLink === null}
      onClick={() => copyLink?.()}
    >
      {copied ? <Check className="text-good" /> : <Link className="text-muted" />}
      {/* As wide as the longer of both texts. */}
      <span
        data-other={copied ? page.copyLink : page.linkCopied}
        className="grid justify-items-start after:invisible after:h-0 after:content-[attr(data-other)]"
      >
        <span aria-live={copied ? "polite" : "off"}>{copied ? page.linkCopied : page.copyLink}</span>
      </span>
    </button>
  );
  if (refused === null) return button;
  return (
    <Float
      label={page.copyLink}
      align="end"
      className="w-80 p-4"
      open
      onOpenChange={(open) => !open && dismiss()}
      trigger={button}
    >
      <label className="text-sm">
        {page.linkToCopy}
        <input
          className="field mt-2 font-mono"
          readOnly
          value={refused}
          onFocus={(event) => event.currentTarget.select()}
        />
      </label>
    </Float>
  );
}
