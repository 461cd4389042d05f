// Renders a part of the page by itself, with everything around it that it may ask for.

import { configure, render } from "@testing-library/react";
import type { ReactNode } from "react";
import { expect } from "vitest";
import { Providers } from "../Providers";
import { ENGLISH, type Spoken } from "../texts";

/** The limit for a piece to be loaded and drawn on a busy machine; elsewhere it takes no time. */
configure({ asyncUtilTimeout: 10_000 });

export interface Around {
  /** Null for somebody who isn't signed in. */
  token?: string | null;
  /** The address's query. */
  search?: string;
  spoken?: Spoken;
}

export function renderAlone(
  part: ReactNode,
  { token = "secret", search = "?timezone=UTC", spoken = ENGLISH }: Around = {},
): void {
  history.replaceState(null, "", `/overview${search}`);
  render(
    <Providers spoken={spoken} session={token}>
      {part}
    </Providers>,
  );
}

/** Expects parameters of the address, which is written a moment after the view has changed; null for one that isn't there. */
export async function expectAddress(expected: Readonly<Record<string, string | null>>): Promise<void> {
  const found = () => {
    const parameters = new URLSearchParams(location.search);
    return Object.fromEntries(Object.keys(expected).map((name) => [name, parameters.get(name)]));
  };
  await expect.poll(found).toEqual(expected);
}
