// What every part of the page may ask for: words, answers, the session, the view, and changes as they come.

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ComponentProps, type ReactNode, useState } from "react";
import { LiveProvider } from "./api/live";
import { SessionProvider } from "./api/session";
import type { Spoken } from "./texts";
import { TextsProvider } from "./texts/TextsContext";
import { ViewProvider } from "./view/ViewContext";

interface ProvidersProps {
  spoken: Spoken;
  /** What the page was opened with; a token, or null for nobody's. */
  session: ComponentProps<typeof SessionProvider>["initial"];
  children: ReactNode;
}

export function Providers({ spoken, session, children }: ProvidersProps) {
  const [client] = useState(() => new QueryClient());
  return (
    <TextsProvider initial={spoken}>
      <QueryClientProvider client={client}>
        <SessionProvider initial={session}>
          <ViewProvider>
            <LiveProvider>{children}</LiveProvider>
          </ViewProvider>
        </SessionProvider>
      </QueryClientProvider>
    </TextsProvider>
  );
}
