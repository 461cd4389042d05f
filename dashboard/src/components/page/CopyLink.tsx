// Copies a link that shows everyone the numbers that are on the page.

import { Check, Link } from "lucide-react";
import { useTexts } from "../../texts/TextsContext";
import { usePlace } from "../../view/ViewContext";
import { Float } from "../parts/Float";
import type { Sharing } from "./useSharing";

export function CopyLink({ sharing }: { sharing: Sharing }) {
  const { page } = useTexts();
  const { formats } = usePlace();
  const { copyLink, copied, openUntil, refused, dismiss } = sharing;
  const changes = openUntil === null ? page.linkLate : page.linkChanges(formats.moment(openUntil));
  const button = (
    <button
      type="button"
      className="control grow"
      title={`${page.copyLinkWhy}\n${changes}`}
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
  if (refused === null) {
    return (
      <div className="relative flex grow flex-col">
        {button}
        <p
          role="status"
          className="text-sm not-empty:mt-2 lg:absolute lg:top-full lg:right-0 lg:z-10 lg:w-72 lg:rounded-xl lg:bg-raised lg:not-empty:p-3 lg:not-empty:shadow-float"
        >
          {copied && changes}
        </p>
      </div>
    );
  }
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
      <p className="mt-2 text-sm text-muted">{changes}</p>
    </Float>
  );
}
