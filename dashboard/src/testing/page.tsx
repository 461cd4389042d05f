// Opens the whole page, as main.tsx does, in the test's own process.

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import { App } from "../App";
import { LiveProvider } from "../api/live";
import { SessionProvider } from "../api/session";
import type { Spoken } from "../texts";
import { ENGLISH } from "../texts";
import { TextsProvider } from "../texts/TextsContext";
import { ViewProvider } from "../view/ViewContext";

interface Opening {
  /** Null opens the page of somebody who isn't signed in. */
  token?: string | null;
  /** The address's query. */
  search?: string;
  spoken?: Spoken;
}

export function openPage({
  token = "secret",
  search = "?timezone=UTC",
  spoken = ENGLISH,
}: Opening = {}): void {
  history.replaceState(null, "", `/overview${search}`);
  render(
    <TextsProvider initial={spoken}>
      <QueryClientProvider client={new QueryClient()}>
        <SessionProvider initial={token}>
          <ViewProvider>
            <LiveProvider>
              <App />
            </LiveProvider>
          </ViewProvider>
        </SessionProvider>
      </QueryClientProvider>
    </TextsProvider>,
  );
}
