// Copies the documentation's pictures from those that the last `npm run e2e` took.
import { copyFileSync } from "node:fs";

/** The names of the pictures in `screenshots/`, and their names in the documentation. */
const PICTURES = {
  "well-light": "overview-light",
  "well-dark": "overview-dark",
  "well-phone": "overview-phone",
  "empty-light": "overview-empty",
  "stale-light": "overview-stale",
};

for (const [state, name] of Object.entries(PICTURES)) {
  const from = new URL(`../screenshots/${state}.png`, import.meta.url);
  copyFileSync(from, new URL(`../../docs/img/${name}.png`, import.meta.url));
  console.log(`docs/img/${name}.png`);
}
