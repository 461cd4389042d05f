// The link to a run in the customer's own system: made of an address with placeholders, and checked as the API does. Pure.

import type { Failure } from "../api/answers";

/** What an address may have in curly brackets. */
export const PLACEHOLDERS = ["executionId", "workflowId", "organizationId"] as const;
type Placeholder = (typeof PLACEHOLDERS)[number];

const NEEDED: Placeholder = "executionId";
const SCHEME = "https://";
/** The longest address that the API takes, in bytes. */
const BYTES_MAX = 2_048;

export type LinkComplaint = "scheme" | "blanks" | "host" | "address" | "placeholders" | "needed" | "long";

/** What is wrong with an address; null if nothing is. */
export function complaintAbout(template: string): LinkComplaint | null {
  if (new TextEncoder().encode(template).length > BYTES_MAX) return "long";
  if (!template.startsWith(SCHEME)) return "scheme";
  if (/[\s\p{Cc}\\]/u.test(template)) return "blanks";
  const host = template.slice(SCHEME.length).split(/[/?#]/)[0] ?? "";
  if (/[{}]/.test(host)) return "host";
  const filled = template.replace(/\{(\w+)\}/g, (all, name: string) => (isPlaceholder(name) ? "x" : all));
  if (/[{}]/.test(filled)) return "placeholders";
  if (host === "" || host.includes("@") || !URL.canParse(filled)) return "address";
  return template.includes(`{${NEEDED}}`) ? null : "needed";
}

/** The address of a run; null if it can't be made, so that nobody is led astray. */
export function runAddress(
  template: string,
  run: Pick<Failure, "executionId" | "workflowId">,
  organizationId: string,
): string | null {
  if (complaintAbout(template) !== null) return null;
  const values: Readonly<Record<Placeholder, string>> = { ...run, organizationId };
  const used = PLACEHOLDERS.filter((name) => template.includes(`{${name}}`)).map((name) => values[name]);
  if (used.some((value) => value === "" || isDots(value))) return null;
  // In one pass, so that a value that looks like a placeholder stays what it is.
  return template.replace(/\{(\w+)\}/g, (_, name: Placeholder) =>
    encodeURIComponent(wellFormed(values[name])),
  );
}

/** A part of a path that would lead elsewhere, however it is written. */
function isDots(value: string): boolean {
  return value === "." || value === "..";
}

/** Half of a surrogate pair can't be encoded. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}

function isPlaceholder(name: string): name is Placeholder {
  return (PLACEHOLDERS as readonly string[]).includes(name);
}
