// Tokens for tests: they say what they are told to, and nobody has signed them.

/** A token with these claims. It expires in an hour unless `exp` says otherwise. */
export function tokenOf(claims: Readonly<Record<string, unknown>>, alg = "HS256"): string {
  const exp = Math.floor(Date.now() / 1_000) + 3_600;
  const part = (value: object) => {
    const binary = String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value)));
    return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  };
  return `${part({ alg, typ: "JWT" })}.${part({ exp, ...claims })}.unsigned`;
}
