// Renders a part of the page by itself, with everything around it that it may ask for.

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { configure, render } from "@testing-library/react";
import type { ReactNode } from "react";
import { expect } from "vitest";
import { LiveProvider } from "../api/live";
import { SessionProvider } from "../api/session";
import { ENGLISH, type Spoken } from "../texts";
import { TextsProvider } from "../texts/TextsContext";
import { ViewProvider } from "../view/ViewContext";

/** The limit for a piece to be loaded and drawn on a busy machine; elsewhere it takes no time. */
configure({ asyncUtilTimeout: 10_000 });

interface Around {
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
    <TextsProvider initial={spoken}>
      <QueryClientProvider client={new QueryClient()}>
        <SessionProvider initial={token}>
          <ViewProvider>
            <LiveProvider>{part}</LiveProvider>
          </ViewProvider>
        </SessionProvider>
      </QueryClientProvider>
    </TextsProvider>,
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
