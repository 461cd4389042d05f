// What a token says of itself. Nothing here is verified: the API does that for each request, and decides. The page reads
// it to know which organizations there are to choose from, whom to name, and when the token ends.

/** What a token may allow. */
export type Permission = "metrics:read" | "settings:read" | "settings:write";

export interface Claims {
  /** The organizations that the token names, each once, in its order. */
  organizations: readonly string[];
  /** The one that is meant without a choice: that of `organization_id`, or the only one. */
  own: string | null;
  scopes: readonly string[];
  /** When the token expires, in ms since 1970; null if it doesn't say. */
  expiresAt: number | null;
  /** What the person is called, as the issuer writes it. */
  name: string | null;
  subject: string | null;
  issuer: string | null;
}

/** The longest id that an organization has, and how many the API reads of a list. */
const ORGANIZATION_BYTES_MAX = 128;
const ORGANIZATIONS_MAX = 100;

/** A token that names none of these wasn't made with them in mind, and may read. */
const PERMISSIONS: readonly Permission[] = ["metrics:read", "settings:read", "settings:write"];

/** The claims of a token; null if it isn't a JWT. */
export function claimsOf(token: string): Claims | null {
  const payload = payloadOf(token);
  if (payload === null) return null;
  const own = texts([payload["organization_id"]]).filter(isOrganization)[0] ?? null;
  const listed = texts(payload["organizations"]).slice(0, ORGANIZATIONS_MAX).filter(isOrganization);
  const organizations = [...new Set(own === null ? listed : [own, ...listed])];
  const expiry = payload["exp"];
  return {
    organizations,
    own: own ?? (organizations.length === 1 ? (organizations[0] ?? null) : null),
    scopes: ["scope", "scopes", "scp"].flatMap((name) => words(payload[name])),
    expiresAt: typeof expiry === "number" && Number.isFinite(expiry) ? expiry * 1_000 : null,
    name: firstText(payload, ["name", "preferred_username", "email"]),
    subject: firstText(payload, ["sub"]),
    issuer: firstText(payload, ["iss"]),
  };
}

/** Whether a token with these claims allows this, by the API's rules. */
export function allows(claims: Claims | null, permission: Permission): boolean {
  const named = PERMISSIONS.filter((one) => claims?.scopes.includes(one) ?? false);
  return named.length === 0 ? permission !== "settings:write" : named.includes(permission);
}

/** Whether the token has expired at this instant (ms since 1970). */
export function hasExpired(claims: Claims, now: number): boolean {
  return claims.expiresAt !== null && claims.expiresAt <= now;
}

function payloadOf(token: string): Record<string, unknown> | null {
  const [, payload, signature, more] = token.split(".");
  if (payload === undefined || signature === undefined || more !== undefined) return null;
  try {
    const binary = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const read: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof read === "object" && read !== null && !Array.isArray(read) ? { ...read } : null;
  } catch {
    return null; // no base64url, or no JSON
  }
}

function texts(values: unknown): string[] {
  return Array.isArray(values) ? values.filter((value) => typeof value === "string") : [];
}

/** The words of a text, or of an array's texts. */
function words(claim: unknown): string[] {
  return [...texts([claim]), ...texts(claim)]
    .flatMap((text) => text.split(" "))
    .filter((word) => word !== "");
}

function firstText(payload: Record<string, unknown>, names: readonly string[]): string | null {
  return texts(names.map((name) => payload[name])).find((text) => text.trim() !== "") ?? null;
}

function isOrganization(id: string): boolean {
  const bytes = new TextEncoder().encode(id).length;
  return id.trim() !== "" && bytes <= ORGANIZATION_BYTES_MAX && !/\p{Cc}/u.test(id);
}
