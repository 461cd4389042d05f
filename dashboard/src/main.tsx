// The entry point: reads session, language and theme, then renders the page.

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { startTransition, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { arrive } from "./api/arrival";
import { LiveProvider } from "./api/live";
import { SessionProvider } from "./api/session";
import { chosenLanguage, ENGLISH, spoken } from "./texts";
import { TextsProvider } from "./texts/TextsContext";
import { loadTemporal } from "./view/temporal";
import { applyStoredTheme } from "./view/theme";
import { ViewProvider } from "./view/ViewContext";
import "./styles.css";

applyStoredTheme();
// Before anything else reads the address: a token in it is taken out.
const arrival = arrive();

const root = document.getElementById("page");
if (root === null) throw new Error("index.html has no element `page`");

// Both are there at once in most browsers: the words are English, and Temporal is the browser's own. They aren't awaited
// here: a piece that imports from this one, and is waited for by it, would never be there.
//
// As a transition the first drawing gives way every few milliseconds: a slow phone takes touches meanwhile.
Promise.all([spoken(chosenLanguage()), loadTemporal()]).then(
  ([language]) =>
    startTransition(() =>
      createRoot(root).render(
        <StrictMode>
          <TextsProvider initial={language}>
            <QueryClientProvider client={new QueryClient()}>
              <SessionProvider initial={arrival}>
                <ViewProvider>
                  <LiveProvider>
                    <App />
                  </LiveProvider>
                </ViewProvider>
              </SessionProvider>
            </QueryClientProvider>
          </TextsProvider>
        </StrictMode>,
      ),
    ),
  () => root.append(`${ENGLISH.texts.controls.notLoaded} ${ENGLISH.texts.controls.reload}.`),
);
