// The entry point: reads the token and the theme, then renders the page.

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { LiveProvider } from "./api/live";
import { SessionProvider } from "./api/session";
import { storedToken, storeToken, takeTokenFromAddress } from "./api/token";
import { applyStoredTheme } from "./view/theme";
import { ViewProvider } from "./view/ViewContext";
import "./styles.css";

applyStoredTheme();
const given = takeTokenFromAddress();
if (given !== null) storeToken(given);

const root = document.getElementById("page");
if (root === null) throw new Error("index.html has no element `page`");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={new QueryClient()}>
      <SessionProvider initial={given ?? storedToken()}>
        <ViewProvider>
          <LiveProvider>
            <App />
          </LiveProvider>
        </ViewProvider>
      </SessionProvider>
    </QueryClientProvider>
  </StrictMode>,
);
