// The range of a panel's answer in words, where it isn't the page's.

import type { Envelope, Overview } from "../../api/answers";
import { useAllTexts } from "../../texts/useAllTexts";
import type { Asked } from "../../view/questions";
import { ownRangeIn } from "../../view/rowsOwnRange";
import { usePlace } from "../../view/ViewContext";

/** `own` is the panel's answer; undefined while it shows none of the view. */
export function useOwnRange(
  { data, isPlaceholderData }: Asked<Overview>,
  own: Pick<Envelope, "range"> | undefined,
): string | null {
  const texts = useAllTexts();
  const { formats } = usePlace();
  if (data === undefined || own === undefined || isPlaceholderData) return null;
  return ownRangeIn(texts, formats, own.range, data.body.summary.range);
}
