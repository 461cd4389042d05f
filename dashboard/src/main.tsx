// The entry point: reads session, language and theme, then renders the page.

import { startTransition, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { arrive } from "./api/arrival";
import { Providers } from "./Providers";
import { chosenLanguage, ENGLISH, spoken } from "./texts";
import { loadTemporal } from "./view/temporal";
import { applyStoredTheme } from "./view/theme";
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
          <Providers spoken={language} session={arrival}>
            <App />
          </Providers>
        </StrictMode>,
      ),
    ),
  () => root.append(`${ENGLISH.texts.controls.notLoaded} ${ENGLISH.texts.controls.reload}.`),
);
